package limits

import (
	"testing"
	"testing/fstest"
)

func TestTheMemoryLimitIsTheLeastOfTheControlGroups(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no control groups":  {nil, 0},
		"v2 in a container":  {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		"v2 without a limit": {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		"v2 limited above": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1000000\n",
		}, 1000000},
		"v2 limited twice": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "2000000\n", "sys/fs/cgroup/a/memory.max": "1000000\n",
		}, 1000000},
		"v1": {map[string]string{
			"proc/self/cgroup": "3:cpu,cpuacct:/a\n4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "536870912\n",
		}, 512 << 20},
		"v1 in a container that sees its own group only": {map[string]string{
			"proc/self/cgroup": "4:memory:/docker/123\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
		}, 512 << 20},
		"v1 without a limit": {map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"v1 beside v2": {map[string]string{
			"proc/self/cgroup": "4:memory:/a\n0::/b\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "536870912\n",
		}, 512 << 20},
		"nonsense": {map[string]string{"proc/self/cgroup": "nonsense\n::\n0::/\n", "sys/fs/cgroup/memory.max": "many\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{}
			for name, text := range c.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memory(files); got != c.want {
				t.Errorf("the limit is %d, want %d", got, c.want)
			}
		})
	}
}

func TestTheMachineSaysHowMuchMemoryItHas(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       24680000 kB\nMemFree:        1 kB\n")}}
	if got := hostMemory(files); got != 24680000<<10 {
		t.Errorf("it has %d", got)
	}
	if got := hostMemory(fstest.MapFS{}); got != 0 {
		t.Errorf("it has %d", got)
	}
}

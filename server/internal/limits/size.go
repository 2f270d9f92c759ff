package limits

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseSize reads a number of bytes, such as 536870912, 512MiB or 2GiB. The units are
// powers of 1024, however they are written: k, KB and KiB are the same.
func ParseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "kKmMgGtTiIbB")
	unit := strings.ToLower(text[len(number):])
	shift := map[string]uint{"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
	by, known := shift[strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")]
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64>>by {
		return 0, fmt.Errorf("want a number of bytes, such as 512MiB or 2GiB, not %q", text)
	}
	return n << by, nil
}

package architecture

import (
	"slices"
	"strings"
)

const (
	sdkModule    = "github.com/runhook/runhook"
	serverModule = sdkModule + "/server"
	internal     = serverModule + "/internal/"
)

// layers are the rooms of the server from the top down. A package imports only
// from layers below its own; the packages inside one room, such as store/sqlite
// in store, may import each other.
var layers = [][]string{
	{"server"},
	{"dashboard"},
	{"api"},
	{"inbound"},
	{"apps", "delivery", "doctor", "events", "quota", "retention", "runs", "schedules", "subscriptions", "sweep"},
	{"endpoint", "fetch", "outbox", "runqueue"},
	{"egress"},
	{"worker"},
	{"store"},
	{"cron", "filter", "redact", "secretscan"},
	{"model"},
}

// foundations are small rooms below all layers but model, which stays pure. They
// import only each other.
var foundations = []string{"answer", "budget", "clock", "fairness", "health", "intake", "limits", "listener", "panics", "pubsub", "spool"}

// pure are packages that decide and do nothing else: what they import of ours holds types,
// and neither store nor clock.
var pure = map[string][]string{
	internal + "runs/decision": {internal + "model", internal + "endpoint"},
	internal + "runs/why":      {internal + "model"},
}

// around are the programs and test helpers around the server. They import what
// they like, and the rooms of the server import none of them.
var around = []string{
	serverModule + "/bench",
	serverModule + "/runhooktest",
	internal + "architecture",
	internal + "cli",
	internal + "docs",
	internal + "test",
	internal + "testpostgres",
}

// sdkImports says what the packages of the SDK's module import of each other. Others
// in that module, such as examples, import any of them. None imports anything
// else but the standard library, because users of the SDK inherit it.
var sdkImports = map[string][]string{
	sdkModule: {
		sdkModule + "/protocol", sdkModule + "/filter", sdkModule + "/verify", sdkModule + "/client",
		sdkModule + "/internal/jsontype", sdkModule + "/internal/jsontext", sdkModule + "/internal/transport",
	},
	sdkModule + "/client": {
		sdkModule + "/protocol", sdkModule + "/filter",
		sdkModule + "/internal/jsontext", sdkModule + "/internal/sse", sdkModule + "/internal/transport",
	},
	sdkModule + "/internal/transport": {
		sdkModule + "/protocol", sdkModule + "/internal/jsontext", sdkModule + "/internal/origin",
		sdkModule + "/internal/retryafter", sdkModule + "/internal/sse",
	},
	sdkModule + "/internal/jsontext":    {},
	sdkModule + "/receiver":             {sdkModule + "/protocol"},
	sdkModule + "/verify":               {sdkModule + "/protocol"},
	sdkModule + "/internal/jsontype":    {sdkModule + "/protocol"},
	sdkModule + "/internal/origin":      {},
	sdkModule + "/internal/eventfilter": {sdkModule + "/protocol"},
	sdkModule + "/internal/retryafter":  {},
	sdkModule + "/internal/sse":         {},
	sdkModule + "/filter":               {},
	sdkModule + "/protocol":             {},
}

// shared is what the rooms of the server import of the SDK's module.
var shared = []string{sdkModule + "/protocol", sdkModule + "/internal/eventfilter", sdkModule + "/internal/origin", sdkModule + "/internal/retryafter"}

// readers are rooms that ask the server as a program elsewhere does, and read its answers
// with the types of package client.
var readers = []string{internal + "dashboard"}

// commandImports is what cmd/runhook imports of ours, besides packages in its
// own folder: it reads flags and wires, and has no logic.
var commandImports = []string{
	internal + "server", internal + "limits", internal + "cli/demo", internal + "cli/dev", internal + "cli/console", internal + "cli/remote", internal + "cli/verify",
	sdkModule + "/protocol", sdkModule + "/client", sdkModule + "/filter",
}

// owners names the only packages that import a library, tests included.
var owners = map[string][]string{
	"modernc.org/sqlite":    {internal + "store/sqlite"},
	"github.com/jackc/pgx/": {internal + "store/postgres", internal + "testpostgres"},
}

// objection says why a package may not import another, or is empty. Both are
// import paths; fromTest is set when only a test does it.
func objection(from, to string, fromTest bool) string {
	for library, allowed := range owners {
		if strings.HasPrefix(to+"/", library) && !slices.Contains(allowed, from) {
			return "only " + strings.Join(allowed, " and ") + " may"
		}
	}
	switch {
	case !isIn(from, serverModule):
		return sdkObjection(from, to, fromTest)
	case fromTest, isAround(from), !isIn(to, sdkModule):
		return ""
	case isIn(from, serverModule+"/cmd"):
		if isIn(to, from) || slices.Contains(commandImports, to) {
			return ""
		}
		return "a command only wires " + strings.Join(commandImports, " and ")
	default:
		return roomObjection(from, to)
	}
}

func sdkObjection(from, to string, fromTest bool) string {
	if first, _, _ := strings.Cut(to, "/"); !strings.Contains(first, ".") {
		return ""
	}
	if !isIn(to, sdkModule) || isIn(to, serverModule) {
		return "the SDK's module reaches only the standard library and itself"
	}
	if fromTest { // users do not inherit what a test imports
		return ""
	}
	if allowed, listed := sdkImports[from]; listed && !slices.Contains(allowed, to) {
		return "sdkImports does not list it"
	}
	return ""
}

func roomObjection(from, to string) string {
	switch {
	case slices.Contains(shared, to), to == sdkModule+"/client" && slices.Contains(readers, from):
		return ""
	case !isIn(to, serverModule):
		return "the server shares only " + strings.Join(shared, " and ") + " with the SDK"
	case isTestHelper(to):
		if isTestHelper(from) {
			return ""
		}
		return "it helps tests"
	case isAround(to):
		if isTestHelper(from) {
			return ""
		}
		return "it is not part of the server"
	}
	fromRoom, toRoom := room(from), room(to)
	fromDepth, toDepth := depth(fromRoom), depth(toRoom)
	if allowed, listed := pure[from]; listed && !slices.Contains(allowed, to) {
		return "it only decides: pure does not list it"
	}
	switch {
	case fromDepth < 0:
		return "layers does not list " + fromRoom
	case toDepth < 0:
		return "layers does not list " + toRoom
	case fromRoom == toRoom, slices.Contains(foundations, fromRoom) && slices.Contains(foundations, toRoom):
		return ""
	case fromRoom == "model":
		return "model imports nothing of ours but protocol"
	case fromDepth >= toDepth:
		return "imports point down: see layers"
	}
	return ""
}

// depth counts layers from the top; it is negative for a room that is not listed.
func depth(room string) int {
	if slices.Contains(foundations, room) {
		return len(layers)
	}
	return slices.IndexFunc(layers, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// room is the first folder below internal, such as store for store/sqlite.
func room(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, internal), "/")
	return name
}

func isAround(path string) bool {
	return slices.ContainsFunc(around, func(root string) bool { return isIn(path, root) })
}

// isTestHelper recognises suites and fakes by their names, such as storetest.
func isTestHelper(path string) bool {
	return (strings.HasSuffix(path, "test") || isIn(path, internal+"test")) && isIn(path, sdkModule)
}

func isIn(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

package architecture

import "testing"

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, found := range loadPackages(t) {
		for _, to := range found.Imports {
			if reason := objection(found.ImportPath, to, false); reason != "" {
				t.Errorf("%s imports %s: %s", found.ImportPath, to, reason)
			}
		}
		for _, to := range append(found.TestImports, found.XTestImports...) {
			// A test outside its package imports the package itself.
			if to == found.ImportPath {
				continue
			}
			if reason := objection(found.ImportPath, to, true); reason != "" {
				t.Errorf("a test in %s imports %s: %s", found.ImportPath, to, reason)
			}
		}
	}
}

func TestTheRulesForImports(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		from, to string
		inTest   bool
		refused  bool
	}{
		{name: "protocol may use the standard library", from: sdkModule + "/protocol", to: "net/http"},
		{name: "protocol may not use receiver", from: sdkModule + "/protocol", to: sdkModule + "/receiver", refused: true},
		{name: "receiver may use protocol", from: sdkModule + "/receiver", to: sdkModule + "/protocol"},
		{name: "the SDK may not use receiver", from: sdkModule, to: sdkModule + "/receiver", refused: true},
		{name: "the SDK may use client", from: sdkModule, to: sdkModule + "/client"},
		{name: "client may not use the SDK", from: sdkModule + "/client", to: sdkModule, refused: true},
		{name: "transport may not use client", from: sdkModule + "/internal/transport", to: sdkModule + "/client", refused: true},
		{name: "the SDK may not use a library", from: sdkModule, to: "github.com/google/uuid", refused: true},
		{name: "the SDK's tests may not use the server", from: sdkModule, to: internal + "server", inTest: true, refused: true},
		{name: "an example may use the SDK and receiver", from: sdkModule + "/examples/orders", to: sdkModule + "/receiver"},
		{name: "model may use protocol", from: internal + "model", to: sdkModule + "/protocol"},
		{name: "model may not use clock", from: internal + "model", to: internal + "clock", refused: true},
		{name: "api may use runs", from: internal + "api", to: internal + "runs"},
		{name: "runs may use the insides of store", from: internal + "runs", to: internal + "store/database"},
		{name: "runs may not use api", from: internal + "runs", to: internal + "api", refused: true},
		{name: "a decision may use model", from: internal + "runs/decision", to: internal + "model"},
		{name: "a decision may not use the store", from: internal + "runs/decision", to: internal + "store", refused: true},
		{name: "runs may not use delivery beside it", from: internal + "runs", to: internal + "delivery", refused: true},
		{name: "a test of runs may use api", from: internal + "runs", to: internal + "api", inTest: true},
		{name: "store's packages may use each other", from: internal + "store", to: internal + "store/sqlite"},
		{name: "a lane may use clock", from: internal + "delivery/lane", to: internal + "clock"},
		{name: "clock may not use model", from: internal + "clock", to: internal + "model", refused: true},
		{name: "a room that no layer lists is refused", from: internal + "attic", to: internal + "model", refused: true},
		{name: "runs may not use the SDK", from: internal + "runs", to: sdkModule, refused: true},
		{name: "the dashboard may use client", from: internal + "dashboard", to: sdkModule + "/client"},
		{name: "the dashboard may not use the SDK", from: internal + "dashboard", to: sdkModule, refused: true},
		{name: "api may not use client", from: internal + "api", to: sdkModule + "/client", refused: true},
		{name: "demo may use the SDK", from: internal + "cli/demo", to: sdkModule},
		{name: "server may not use demo", from: internal + "server", to: internal + "cli/demo", refused: true},
		{name: "store may not use its suite", from: internal + "store", to: internal + "store/storetest", refused: true},
		{name: "a suite may use testpostgres", from: internal + "store/storetest", to: internal + "testpostgres"},
		{name: "the command may use server", from: serverModule + "/cmd/runhook", to: internal + "server"},
		{name: "the command may not use runs", from: serverModule + "/cmd/runhook", to: internal + "runs", refused: true},
		{name: "store/sqlite may use SQLite", from: internal + "store/sqlite", to: "modernc.org/sqlite"},
		{name: "tests of runs may not use SQLite", from: internal + "runs", to: "modernc.org/sqlite", inTest: true, refused: true},
		{name: "store may not use parts of SQLite", from: internal + "store", to: "modernc.org/sqlite/lib", refused: true},
		{name: "bench may not use pgx", from: serverModule + "/bench", to: "github.com/jackc/pgx/v5/pgxpool", refused: true},
		{name: "testpostgres may use pgx", from: internal + "testpostgres", to: "github.com/jackc/pgx/v5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if reason := objection(test.from, test.to, test.inTest); (reason != "") != test.refused {
				t.Errorf("refused is %v (%q), want %v", reason != "", reason, test.refused)
			}
		})
	}
}

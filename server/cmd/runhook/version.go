package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run shows the version.
func (versionCommand) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, "runhook", version())
	return err
}

// version returns the version the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

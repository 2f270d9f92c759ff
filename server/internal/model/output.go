package model

import "unicode/utf16"

// LongestOutput is the longest output of a task, in UTF-16 code units of its JSON, as
// the clients count.
const LongestOutput = 3 << 20

// OutputTooLong is the answer to an app whose output is longer.
const OutputTooLong = "Output must be less than 3MB"

// CheckOutput returns an [Invalid] error if the JSON of a task's output is too long.
func CheckOutput(output []byte) error {
	if len(output) <= LongestOutput {
		return nil // no text has more code units than bytes
	}
	length := 0
	for _, r := range string(output) {
		length += utf16.RuneLen(r)
	}
	if length <= LongestOutput {
		return nil
	}
	return Errorf(Invalid, "%s", OutputTooLong)
}

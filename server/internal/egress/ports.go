package egress

import (
	"fmt"
	"strconv"
	"strings"
)

// PortRange is a range of ports, both ends included.
type PortRange struct{ First, Last uint16 }

// ParsePorts reads a list of ports and ranges of ports, such as 25,8000-8010,
// separated by commas. Empty entries are skipped. The error names the first entry
// that is wrong.
func ParsePorts(list string) ([]PortRange, error) {
	var ports []PortRange
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		from, err := parsePort(first)
		if err != nil {
			return nil, fmt.Errorf("port list entry %q: %w", text, err)
		}
		to, err := parsePort(last)
		if err != nil {
			return nil, fmt.Errorf("port list entry %q: %w", text, err)
		}
		if from > to {
			return nil, fmt.Errorf("port list entry %q: the range ends before it begins", text)
		}
		ports = append(ports, PortRange{from, to})
	}
	return ports, nil
}

func parsePort(text string) (uint16, error) {
	number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("want a number from 1 to 65535, or a range such as 8000-8010")
	}
	return uint16(number), nil
}

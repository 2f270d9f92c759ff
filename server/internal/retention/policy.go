package retention

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Ages say after what time something leaves, by environment type. What is not
// listed stays for ever.
type Ages map[protocol.EnvironmentType]time.Duration

var environmentTypes = []protocol.EnvironmentType{protocol.Production, protocol.Staging, protocol.Preview, protocol.Development}

// ParseAges reads ages such as "DEVELOPMENT=7d,STAGING=720h"; "" and "forever"
// are none. A day is 24 hours.
func ParseAges(text string) (Ages, error) {
	ages := Ages{}
	if text == "" || text == "forever" {
		return ages, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		kind := protocol.EnvironmentType(strings.ToUpper(strings.TrimSpace(name)))
		if !slices.Contains(environmentTypes, kind) {
			return nil, fmt.Errorf("%q is no environment: want such as DEVELOPMENT=7d,STAGING=30d", strings.TrimSpace(name))
		}
		if _, twice := ages[kind]; twice {
			return nil, fmt.Errorf("%s is there twice", kind)
		}
		age, err := parseAge(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		ages[kind] = age
	}
	return ages, nil
}

func parseAge(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return time.Duration(n) * day, nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age > 0 {
		return age, nil
	}
	return 0, fmt.Errorf("%q is no age: want days such as 30d, or hours such as 12h", text)
}

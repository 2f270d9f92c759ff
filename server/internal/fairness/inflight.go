package fairness

// InFlight counts the items in flight of each group. It is not for concurrent use.
type InFlight map[string]int

// Add counts one more item of a group.
func (f InFlight) Add(group string) { f[group]++ }

// Remove counts one item of a group less.
func (f InFlight) Remove(group string) { f.removeAll(group, 1) }

func (f InFlight) removeAll(group string, n int) {
	if f[group] -= n; f[group] == 0 {
		delete(f, group)
	}
}

// Saturated reports whether a group has as many items in flight as it may while a
// number of slots is free. A group with none in flight is not.
func (f InFlight) Saturated(group string, free int) bool {
	n := f[group]
	return n > 0 && n >= 2*free
}

// AllSaturated returns the groups that are saturated, in no order.
func (f InFlight) AllSaturated(free int) (groups []string) {
	for group := range f {
		if f.Saturated(group, free) {
			groups = append(groups, group)
		}
	}
	return groups
}

// Divide gives each of a number of groups, in order, an equal part of what is left of
// an amount, one at least: take is called with a group's index and its part, and returns
// how much of it the group takes. It returns how much was taken in all. What the last
// groups do not take is left over; Divide may be called again with it.
func Divide(amount, groups int, take func(group, part int) (taken int)) (taken int) {
	for i := 0; i < groups && taken < amount; i++ {
		taken += take(i, max(1, (amount-taken)/(groups-i)))
	}
	return taken
}

package runhook_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
)

// A call takes the options that have an effect on it, and others do not compile.
func TestOptionsThatACallWouldIgnoreDoNotCompile(t *testing.T) {
	kinds := map[string]reflect.Type{
		"TaskOption":           reflect.TypeFor[runhook.TaskOption](),
		"DoOption":             reflect.TypeFor[runhook.DoOption](),
		"StepOption":           reflect.TypeFor[runhook.StepOption](),
		"InvokeOption":         reflect.TypeFor[runhook.InvokeOption](),
		"InvokeAndWaitOption":  reflect.TypeFor[runhook.InvokeAndWaitOption](),
		"WaitForEventOption":   reflect.TypeFor[runhook.WaitForEventOption](),
		"WaitForRequestOption": reflect.TypeFor[runhook.WaitForRequestOption](),
		"SendOption":           reflect.TypeFor[runhook.SendOption](),
		"EventOption":          reflect.TypeFor[runhook.EventOption](),
		"RequestOption":        reflect.TypeFor[runhook.RequestOption](),
		"RegisterOption":       reflect.TypeFor[runhook.RegisterOption](),
		"ScheduleOption":       reflect.TypeFor[runhook.ScheduleOption](),
		"JobOption":            reflect.TypeFor[runhook.JobOption](),
		"HTTPEndpointOption":   reflect.TypeFor[runhook.HTTPEndpointOption](),
	}
	of := reflect.TypeOf
	options := map[string]struct {
		option reflect.Type
		want   []string
	}{
		"RetryPolicy":    {of(runhook.RetryPolicy{}), []string{"DoOption", "TaskOption"}},
		"Redact":         {of(runhook.Redact{}), []string{"TaskOption"}},
		"Key":            {reflect.TypeFor[runhook.StepOption](), []string{"DoOption", "StepOption", "TaskOption"}},
		"Name":           {of(runhook.Name("")), []string{"DoOption", "HTTPEndpointOption", "JobOption", "StepOption", "TaskOption"}},
		"Icon":           {of(runhook.Icon("")), []string{"DoOption", "StepOption", "TaskOption"}},
		"Description":    {of(runhook.Description("")), []string{"DoOption", "StepOption", "TaskOption"}},
		"Properties":     {of(runhook.Properties{}), []string{"DoOption", "StepOption", "TaskOption"}},
		"CallbackURL":    {of(runhook.CallbackURL("")), []string{"InvokeOption"}},
		"IdempotencyKey": {of(runhook.IdempotencyKey("")), []string{"InvokeOption"}},
		"Context":        {reflect.TypeFor[runhook.ContextOption](), []string{"InvokeAndWaitOption", "InvokeOption"}},
		"TimeToLive":     {of(runhook.TimeToLive(0)), []string{"InvokeAndWaitOption", "InvokeOption"}},
		"Timeout":        {of(runhook.Timeout(time.Hour)), []string{"InvokeAndWaitOption", "WaitForEventOption", "WaitForRequestOption"}},
		"AccountID":      {of(runhook.AccountID("")), []string{"InvokeAndWaitOption", "InvokeOption", "RegisterOption", "ScheduleOption", "SendOption", "WaitForEventOption"}},
		"Where":          {reflect.TypeFor[runhook.PayloadFilterOption](), []string{"EventOption", "RegisterOption", "RequestOption", "WaitForEventOption"}},
		"WhereContext":   {reflect.TypeFor[runhook.ContextFilterOption](), []string{"EventOption", "WaitForEventOption"}},
		"Source":         {of(runhook.Source("")), []string{"EventOption", "HTTPEndpointOption", "WaitForEventOption"}},
		"DeliverAt":      {of(runhook.DeliverAt{}), []string{"SendOption"}},
		"StrictPayload":  {of(runhook.StrictPayload(true)), []string{"JobOption"}},
	}
	for name, option := range options {
		var got []string
		for kind, taken := range kinds {
			if option.option.Implements(taken) {
				got = append(got, kind)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, option.want) {
			t.Errorf("%s is a %v, want %v", name, got, option.want)
		}
	}
	// What the functions return is no more than the types above.
	var _ runhook.StepOption = runhook.Key(1)
	var _ runhook.StepOption = runhook.Params(1)
	var _ runhook.ContextOption = runhook.Context(1)
	var _ runhook.PayloadFilterOption = runhook.Where(filter.Object{})
	var _ runhook.ContextFilterOption = runhook.WhereContext(filter.Object{})
}

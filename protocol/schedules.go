package protocol

// RegisterSchedule is the body of POST
// /api/v1/:client/schedules/:id/registrations. ID is the key under which the
// schedule is registered.
type RegisterSchedule struct {
	ID string `json:"id"`
	Schedule
}

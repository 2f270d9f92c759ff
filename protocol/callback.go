package protocol

// CallbackTimeout is the name of the error with which a task fails whose callback
// did not come in time.
const CallbackTimeout = "CallbackTimeout"

package database

// DamageError is [ErrDamaged] with what was found in a file, and how to recover.
type DamageError struct {
	// Found says what is damaged, Recovery what to do, in sentences.
	Found, Recovery string
}

// Error says both.
func (e *DamageError) Error() string { return ErrDamaged.Error() + ": " + e.Found + ". " + e.Recovery }

// Unwrap returns [ErrDamaged].
func (e *DamageError) Unwrap() error { return ErrDamaged }

package main

import (
	"errors"
	"strings"
)

// keyText is a key or a secret as people give it. Blanks and line breaks around it, as
// a copy or a file leaves them, are not part of it.
type keyText string

// UnmarshalText implements encoding.TextUnmarshaler, which flags and variables are
// read by.
func (k *keyText) UnmarshalText(text []byte) error {
	*k = keyText(strings.TrimSpace(string(text)))
	return nil
}

// keyTexts returns them as strings.
func keyTexts(keys []keyText) []string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = string(key)
	}
	return texts
}

// checkSecret returns an error if the key is not the secret one of an environment.
func (k keyText) checkSecret() error {
	const setting, see = "--api-key (RUNHOOK_API_KEY, TRIGGER_API_KEY)", "See the keys with: runhook keys"
	switch {
	case k == "":
		return &usageError{setting, errors.New("is missing: give the secret key of the environment, which starts with tr_ (tr_dev_ for DEVELOPMENT). " + see)}
	case strings.HasPrefix(string(k), "pk_"):
		return &usageError{setting, errors.New("is a public key (pk_...); give the secret one, which starts with tr_. " + see)}
	case !strings.HasPrefix(string(k), "tr_"):
		return &usageError{setting, errors.New("is not a secret key, which starts with tr_. " + see)}
	}
	return nil
}

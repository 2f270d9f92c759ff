package e2e

import (
	"slices"
	"testing"
)

func TestThePublishedNodeSDK(t *testing.T) {
	t.Parallel()
	withEveryStack(t, func(t *testing.T, s *stack) {
		play(t, s, slices.Concat(
			backgroundScenarios, characterScenarios, contextScenarios, errorScenarios, eventScenarios, hookScenarios, ingressScenarios, invocationScenarios, largeScenarios, parallelScenarios,
			payloadScenarios, platformScenarios, requestScenarios, runScenarios, scheduleScenarios, sourceScenarios, storeScenarios, suspensionScenarios, taskScenarios,
			waitScenarios,
		))
		s.webhooks.check(t)
		s.checkRequests(t)
	})
}

// Package why says, of a run, what it waits for: in a sentence for people, and in the
// facts that the sentence is made of.
//
// [Explain] is pure. It is given what is on record of the run at a moment, and says what
// is true then; it predicts nothing that the rows do not hold. For each run that has not
// ended it names all that can wake the run ([Waker]), so that what it says can be checked:
// when the run moves, one of those has moved it, or somebody ended the run. Where nothing
// on record would wake it, the code is [Stuck].
package why

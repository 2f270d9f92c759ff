"use strict";

// Board holds named values that the app and the tests leave for each other. A
// value can be asked for before it is there.
class Board {
  #entries = new Map();

  #entry(name) {
    if (!this.#entries.has(name)) {
      const entry = {};
      entry.value = new Promise((resolve) => (entry.resolve = resolve));
      this.#entries.set(name, entry);
    }
    return this.#entries.get(name);
  }

  // put gives a name its value. The first value stays.
  put(name, value = null) {
    this.#entry(name).resolve(value);
  }

  // get resolves with the value of a name, as soon as it has one.
  get(name) {
    return this.#entry(name).value;
  }
}

module.exports = { Board };

// The operations of a GraphQL socket: which of them write, and what is kept to know what those purge.

/** Operations of a socket that are told apart. */
const OPERATIONS = 1_000;

/** Ids that are remembered of operations which were dropped before they had ended. */
const UNENDED_IDS = 10_000;

/** Characters of messages that a socket keeps to know what their mutations purge. */
const KEPT_LENGTH = 1 << 18;

/**
 * The operations of a socket, by their ids. A client may use an id again, even while the server is busy
 * with the first operation; then the first end is taken for that of the first one.
 */
export class Operations {
  #byId = new Map();
  #unended = new Set(); // ids of reads that were dropped before they had ended; null: they were too many
  #count = 0;
  #writeCount = 0;
  #keptLength = 0;

  get hasWrites() {
    return this.#writeCount > 0;
  }

  hasRoom() {
    if (this.#count >= OPERATIONS) this.#dropReads();
    return this.#count < OPERATIONS;
  }

  has(id) {
    return this.#byId.has(id);
  }

  /** An operation of which is not known yet whether it writes. */
  add(id, message, number) {
    // An end may be that of an operation which was dropped, so it ends none.
    const hasNoEnd = this.#unended?.has(id) ?? true;
    const operation = { id, message: null, number, isWrite: null, answer: null, slow: null, hasNoEnd };
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), operation]);
    this.#count += 1;
    operation.message = this.#kept(message);
    return operation;
  }

  /** Notes whether an operation writes; false where it was dropped before. */
  decide(operation, isWrite) {
    if (!this.#holds(operation)) return false;
    operation.isWrite = isWrite;
    if (isWrite) this.#writeCount += 1;
    else operation.message = this.#forgotten(operation.message);
    return true;
  }

  /** Keeps the answer to a write, for when it is complete. */
  answered(write, text) {
    this.#forgotten(write.answer);
    write.answer = this.#kept(text);
  }

  writes(id) {
    return (this.#byId.get(id) ?? []).filter(({ isWrite }) => isWrite);
  }

  allWrites() {
    return [...this.#byId.keys()].flatMap((id) => this.writes(id));
  }

  /** The socket is closed: nobody waits for an outcome. */
  endAll() {
    for (const write of this.allWrites()) write.slow?.end();
  }

  /** The server has ended one operation of that id. */
  end(id) {
    const first = this.#byId.get(id)?.find(({ hasNoEnd }) => !hasNoEnd);
    if (first !== undefined) this.drop(first);
  }

  /** Queries and subscriptions make room for mutations. */
  #dropReads() {
    for (const operation of [...this.#byId.values()].flat()) this.#dropRead(operation);
  }

  #dropRead(operation) {
    if (operation.isWrite !== false) return;
    this.drop(operation);
    this.#unended?.add(operation.id);
    if (this.#unended?.size > UNENDED_IDS) this.#unended = null;
  }

  /** Drops an operation that was not understood, so that answers with its id are those of an unknown one. */
  disown(operation) {
    for (const other of this.#byId.get(operation.id) ?? []) this.#dropRead(other);
    this.drop(operation);
  }

  #holds(operation) {
    return this.#byId.get(operation.id)?.includes(operation) ?? false;
  }

  drop(operation) {
    if (!this.#holds(operation)) return;
    const left = this.#byId.get(operation.id).filter((one) => one !== operation);
    if (left.length === 0) this.#byId.delete(operation.id);
    else this.#byId.set(operation.id, left);
    this.#count -= 1;
    if (operation.isWrite) this.#writeCount -= 1;
    operation.slow?.end();
    this.#forgotten(operation.message);
    this.#forgotten(operation.answer);
  }

  /** A text, if there is room for it: without it a write purges everything. */
  #kept(text) {
    if (this.#keptLength + text.length > KEPT_LENGTH) return null;
    this.#keptLength += text.length;
    return text;
  }

  #forgotten(text) {
    this.#keptLength -= text?.length ?? 0;
    return null;
  }
}

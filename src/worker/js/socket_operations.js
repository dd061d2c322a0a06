// The GraphQL operations of a socket: which of them write, and the messages that tell what they purge.

/** How many operations of a socket are tracked. */
const MAX_OPERATIONS = 1_000;

/** How many ids are remembered of operations that were dropped before they ended. */
const MAX_UNENDED_IDS = 10_000;

/** Characters of messages that a socket keeps to know what its mutations purge. */
const MAX_KEPT_LENGTH = 1 << 18;

/**
 * The operations of a socket, by id. A client may use an id again, even while the first operation with it
 * is running. The first end with that id is then taken for the end of the first operation.
 */
export class SocketOperations {
  #byId = new Map();
  #unended = new Set(); // ids of reads that were dropped before they ended; null if there were too many
  #count = 0;
  #writeCount = 0;
  #keptLength = 0;

  get hasWrites() {
    return this.#writeCount > 0;
  }

  hasRoom() {
    if (this.#count >= MAX_OPERATIONS) this.#dropReads();
    return this.#count < MAX_OPERATIONS;
  }

  has(id) {
    return this.#byId.has(id);
  }

  /** Adds an operation. Whether it writes is not known yet. */
  add(id, message, number) {
    // An end with this id may belong to an operation that was dropped, so it ends no other one.
    const hasNoEnd = this.#unended?.has(id) ?? true;
    const operation = { id, message: null, number, isWrite: null, answer: null, slow: null, hasNoEnd };
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), operation]);
    this.#count += 1;
    operation.message = this.#kept(message);
    return operation;
  }

  /** Notes whether an operation writes. Returns `false` if the operation was dropped before. */
  decide(operation, isWrite) {
    if (!this.#holds(operation)) return false;
    operation.isWrite = isWrite;
    if (isWrite) this.#writeCount += 1;
    else operation.message = this.#forgotten(operation.message);
    return true;
  }

  /** Keeps the answer to a write until it is complete. */
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

  /** The server has ended an operation with that id. */
  end(id) {
    const first = this.#byId.get(id)?.find(({ hasNoEnd }) => !hasNoEnd);
    if (first !== undefined) this.drop(first);
  }

  /** Drops queries and subscriptions to make room for mutations. */
  #dropReads() {
    for (const operation of [...this.#byId.values()].flat()) this.#dropRead(operation);
  }

  #dropRead(operation) {
    if (operation.isWrite !== false) return;
    this.drop(operation);
    this.#unended?.add(operation.id);
    if (this.#unended?.size > MAX_UNENDED_IDS) this.#unended = null;
  }

  /** Drops an operation that was not understood, so that answers with its id count as unknown ones. */
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

  /** Returns the text if there is room for it, or null. A write without its text purges everything. */
  #kept(text) {
    if (this.#keptLength + text.length > MAX_KEPT_LENGTH) return null;
    this.#keptLength += text.length;
    return text;
  }

  #forgotten(text) {
    this.#keptLength -= text?.length ?? 0;
    return null;
  }
}

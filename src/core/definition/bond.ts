/**
 * What binds a durable child to its supervisor beyond the lives of both: it is kept with the child, so that a supervisor that begins
 * finds whom an earlier one has left.
 */

export interface Bond {
  /** Whose child it is, or was. */
  readonly supervisor: string
  /** The supervisor at the top of the tree in which it was started: what is in one tree is on one node. */
  readonly tree: string
  /** With which it was started (`ChildSpec`). */
  readonly spec: object
}

/**
 * What is kept of durable servers, as data: what a store is given, and what it gives back. Whatever an author or a client made,
 * states, args and the like, is JSON text here: a store does not change it, and reads only what servers are to be found by.
 */

/** What is kept of a server itself. */
export interface KeptServer {
  readonly id: string
  readonly implementation: string
  /** Of the code whose state it is. */
  readonly version: number
  /** Of its start, as JSON. */
  readonly args: string
  /** What was said of it when it was started, as JSON (`ServerTerms`). */
  readonly terms: string
  /** Whose child it is. */
  readonly supervisor: string | null
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly incarnation: number
  readonly restarts: number
  readonly revision: number
  /** As JSON. */
  readonly state: string
}

/** By which a server is found, and what was said of it. */
export type KeptName = Pick<KeptServer, 'id' | 'implementation' | 'terms'>

/** What must be known of a server that is not in memory. */
export interface KeptBrief
  extends Pick<KeptServer, 'id' | 'implementation' | 'version' | 'terms'>,
    Pick<KeptServer, 'startedAt' | 'incarnation' | 'restarts' | 'revision'> {
  /** When its first timer fires: milliseconds since the Unix epoch. */
  readonly due: number | null
  /** Casts wait for it. */
  readonly hasCasts: boolean
}

/** The state of a server, and which code it is of. */
export type KeptState = Pick<KeptServer, 'id' | 'version' | 'revision' | 'state'>

/** A cast that was accepted and has had no effect yet. */
export interface KeptCast {
  /** Grows with each cast that any server of the store is sent. Given by the store, once: none is ever given again. */
  readonly seq: number
  readonly message: string
  readonly args: string
  /** Who asked, as JSON (`Origin`). */
  readonly origin: string | null
  readonly ifMatch: number | null
  /** Under what its answer is kept, as JSON (`AnswerKey`), if it is a call whose answer is asked for later. */
  readonly answerTo: string | null
  /** How often it was taken. */
  readonly attempts: number
}

export interface KeptTimer {
  readonly ref: string
  /** What it brings. */
  readonly kind: 'cast' | 'info'
  /** Milliseconds since the Unix epoch. */
  readonly due: number
  readonly message: string
  readonly args: string
  readonly origin: string | null
  readonly ifMatch: number | null
}

/** A cast that crashed its server too often. */
export interface DeadLetter extends KeptCast {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** What it crashed with, as JSON (`Reason`). */
  readonly reason: string
}

/** How a server ended. */
export interface KeptExit {
  readonly id: string
  readonly implementation: string
  /** As JSON (`Reason`). */
  readonly reason: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly incarnation: number
  readonly revision: number
}

/** Under what an answer is kept, for whoever asks the same again, or asks for it later. */
export interface AnswerKey {
  /** Of whom it was asked. */
  readonly scope: string
  readonly key: string
  /** Of what was asked. */
  readonly fingerprint: string
  /** Milliseconds since the Unix epoch. */
  readonly expires: number
}

export interface KeptAnswer extends AnswerKey {
  /** As JSON (`Outcome`). */
  readonly outcome: string
}

/** One server with all that is its own. */
export interface Kept {
  readonly server: KeptServer
  /** In the order of their numbers. */
  readonly casts: readonly KeptCast[]
  /** The next to fire comes first. */
  readonly timers: readonly KeptTimer[]
  /** No cast that any server was sent until now has a greater number. */
  readonly upTo: number
}

/** What is kept of a supervisor itself. */
export interface KeptSupervisor {
  readonly id: string
  /** Of its start, as JSON (`SupervisorArgs`). */
  readonly args: string
  /** What holds of them now, as JSON (`Flags`). */
  readonly flags: string
  /** What was said of it when it was started, as JSON (`ServerTerms`). */
  readonly terms: string
  /** Whose child it is. */
  readonly supervisor: string | null
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly incarnation: number
}

/** What a supervisor knows of a child. */
export interface KeptChild {
  readonly id: string
  /** Children are in the order of their places. */
  readonly place: number
  /** As JSON (`ChildSpec`). */
  readonly spec: string
  /** As JSON (`ChildTerms`). */
  readonly terms: string
  readonly isDynamic: boolean
  /** It has ended, and its spec stays. */
  readonly isStopped: boolean
}

export interface KeptFamily {
  readonly supervisor: KeptSupervisor
  /** In the order of their places. */
  readonly children: readonly KeptChild[]
}

export type Change =
  /** A server has its first state, or another life with a fresh one: replaces what is kept of the server itself. */
  | { readonly kind: 'server'; readonly server: KeptServer }
  | { readonly kind: 'state'; readonly id: string; readonly revision: number; readonly state: string }
  /** What it has is of this code from now on. */
  | { readonly kind: 'version'; readonly id: string; readonly version: number }
  /** Its state in the form of other code. Passed over if what is kept has changed since that was made. */
  | {
      readonly kind: 'migrated'
      readonly of: Pick<KeptState, 'id' | 'version' | 'revision'>
      readonly to: Omit<KeptState, 'id'>
    }
  /** It goes on with its state in another life. */
  | { readonly kind: 'life'; readonly id: string; readonly incarnation: number; readonly restarts: number }
  /** It is no more, and nothing of its own either but its exit. Whose child it is has it as one that is stopped. */
  | { readonly kind: 'end'; readonly exit: KeptExit }
  | { readonly kind: 'cast'; readonly id: string; readonly cast: Omit<KeptCast, 'seq'> }
  /** The cast has had its effect, or is not to have one. */
  | { readonly kind: 'castDone'; readonly seq: number }
  | { readonly kind: 'castTaken'; readonly seq: number; readonly attempts: number }
  /** It is set aside. */
  | { readonly kind: 'castDead'; readonly seq: number; readonly at: number; readonly reason: string }
  /** It goes to its server again, behind all that waits, with a number of its own. Or it is thrown away. */
  | { readonly kind: 'letterReplayed' | 'letterDiscarded'; readonly seq: number }
  | { readonly kind: 'timer'; readonly id: string; readonly timer: KeptTimer }
  | { readonly kind: 'timerDone'; readonly id: string; readonly ref: string }
  /** All timers of a state that was given up. */
  | { readonly kind: 'timersDone'; readonly id: string }
  | { readonly kind: 'answer'; readonly answer: KeptAnswer }
  | { readonly kind: 'supervisor'; readonly supervisor: KeptSupervisor }
  /** It is no more, and nothing is known of its children by it. */
  | { readonly kind: 'supervisorGone'; readonly id: string }
  | { readonly kind: 'child'; readonly supervisor: string; readonly child: KeptChild }
  | { readonly kind: 'childStopped'; readonly id: string }
  | { readonly kind: 'childGone'; readonly supervisor: string; readonly id: string }

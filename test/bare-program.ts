/**
 * Programs that tests start bare: the runner puts itself into each process that it sees started, which costs seconds, records the
 * coverage of it, and listens to its signals.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The program that starts Node, and what stands before Node's own arguments. */
export const bareNode = ['env', '-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE', process.execPath] as const

/** A module as a process of its own, which can be spoken to. */
export function forkBare(module: URL, args: readonly string[]): ChildProcess {
  const [execPath, ...execArgv] = bareNode
  return fork(fileURLToPath(module), args, { execPath, execArgv })
}

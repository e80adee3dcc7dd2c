/**
 * Loads an implementation in a thread of its own before the nodes do: a file that loops at its top, or ends its thread, costs none of
 * them, nor what their servers know.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { type Clock, GenServerError } from '../../index.js'
import { LoadError } from '../../loading/load-error.js'
import { uncarry } from '../wire/carried-failure.js'
import type { FileTrialData, FileTrialResult } from '../wire/file-trial.js'

/** With which Node ends a thread that has nothing left to do, and whose module still waits at its top. */
const UNSETTLED = 13

export interface FileTrialTerms {
  readonly directories: readonly string[]
  readonly execArgv: readonly string[] | undefined
  readonly clock: Clock
}

/** Takes at most `timeout` milliseconds. @throws {LoadError} · {GenServerError} `code_change_failed` */
export async function tryFile(terms: FileTrialTerms, implementation: string, timeout: number): Promise<void> {
  const { directories, execArgv, clock } = terms
  const { port1: ours, port2: port } = new MessageChannel()
  const worker = new Worker(new URL('../node/file-trial.js', import.meta.url), {
    name: 'genservers trial',
    workerData: { directories, implementation, port } satisfies FileTrialData,
    transferList: [port],
    ...(execArgv !== undefined && { execArgv: [...execArgv] }),
  })
  let late = () => {}
  const timer = clock.setTimer(timeout, () => late())
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (problem: string) => reject(new LoadError(implementation, problem))
      const why = 'it, or one that it imports, loops or waits at its top'
      const told = `${implementation} was not changed: its file was not loaded after ${timeout} ms: ${why}`
      late = () => reject(new GenServerError('code_change_failed', told))
      const tried = ({ failure }: FileTrialResult) => (failure === undefined ? resolve() : reject(uncarry(failure)))
      ours.on('message', tried)
      // Anything can be thrown.
      worker.on('error', (thrown: unknown) => fail(thrown instanceof Error ? thrown.message : String(thrown)))
      worker.on('exit', (code) => {
        // The end may be known before what was said.
        const last = receiveMessageOnPort(ours)
        if (last === undefined && code === UNSETTLED) fail('its module waits at its top for something that never comes')
        else if (last === undefined) fail('its module ends the thread that loads it')
        else tried(last.message)
      })
    })
  } finally {
    timer.cancel()
    ours.close()
    void worker.terminate()
  }
}

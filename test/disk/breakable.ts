/**
 * Loaded before a program (`node --import`): breaks the files that it has open, when the process that has started it says so. All threads
 * of a process share its open files, so the first one does it.
 */
import { isMainThread } from 'node:worker_threads'
import { breakFile, type Fault } from './break-file.js'

export interface Order {
  readonly file: string
  readonly fault: Fault | undefined
}

if (isMainThread) {
  process.on('message', ({ file, fault }: Order) => {
    breakFile(file, fault)
    process.send?.('done')
  })
  // It is not what the program waits for.
  process.channel?.unref()
}

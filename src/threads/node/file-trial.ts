/** The program of a thread that loads an implementation again for trial, and then ends. It is no node, and has no servers. */
import { workerData } from 'node:worker_threads'
import { findImplementations } from '../../loading/find-implementations.js'
import { createForeignImport } from '../../loading/import-module.js'
import { loadDefinition } from '../../loading/load-implementations.js'
import { carry } from '../wire/carried-failure.js'
import type { FileTrialData, FileTrialResult } from '../wire/file-trial.js'
import { boundOutput } from './bounded-output.js'

const { directories, implementation, port } = workerData as FileTrialData

boundOutput(process.stdout)
boundOutput(process.stderr)

async function tried(): Promise<FileTrialResult> {
  try {
    const file = (await findImplementations(directories)).get(implementation)
    // What has no file is refused by the nodes.
    if (file !== undefined) await loadDefinition(file, await createForeignImport())
    return {}
  } catch (error) {
    return { failure: carry(error) }
  }
}

port.postMessage(await tried())
port.close()

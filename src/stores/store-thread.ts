/** The program of the thread of a store, which runs no user code: nobody can hold it up or end it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { SqliteStore } from './sqlite-store.js'
import { carryFailure, type StoreOrder, type StoreQuestion, type StoreThreadData } from './store-messages.js'
import { answer, StoreService } from './store-service.js'

const owner = parentPort as MessagePort
const { file } = workerData as StoreThreadData
try {
  const service = new StoreService(new SqliteStore(file))
  owner.on('message', (said: StoreOrder | StoreQuestion) => service.order(owner, said))
  answer(owner, { n: 0, value: undefined })
} catch (error) {
  answer(owner, { n: 0, failure: carryFailure(error) })
}

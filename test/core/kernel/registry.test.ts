import t from 'tap'
import { MemoryRegistry } from '../../../src/core/kernel/registry.js'
import { registryContract } from './registry-contract.js'

t.test('the registry of one node keeps the contract', async (t) => {
  registryContract(t, () => new MemoryRegistry())
})

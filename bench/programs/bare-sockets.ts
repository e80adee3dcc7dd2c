/**
 * What events are measured against: whatever comes in on one connection is written to all of them, with nothing between. Only the
 * system's own work is left, a write for each connection.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'

const sockets = new Set<Socket>()

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket)
  socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  socket.on('data', (text) => {
    for (const each of sockets) each.write(text)
  })
})

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})

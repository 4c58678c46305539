import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Connections that have not brought a request yet. */
export interface SilentConnections {
  /**
   * Ends those on which nothing has come, at once, and those on which the head of a request is arriving once they have had
   * `graceMs` for it: a server that closes waits for them, and Node.js watches over their arrival no longer.
   */
  end(graceMs: number): void
}

/** Follows the connections of a server; `secure` when it speaks TLS. */
export const followSilentConnections = (server: Server, secure: boolean): SilentConnections => {
  const silent = new Set<Socket>()
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', (request) => silent.delete(request.socket))
  return {
    end: (graceMs) => {
      for (const socket of silent) if (socket.bytesRead === 0) socket.destroy()
      if (silent.size === 0) return
      setTimeout(() => {
        for (const socket of silent) socket.destroy()
      }, graceMs).unref()
    },
  }
}

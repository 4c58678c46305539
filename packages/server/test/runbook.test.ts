import { expect, test } from 'vitest'
import { backupCommand } from '../src/cli/backup-command.ts'
import { runbookCommands } from './support/backup-scene.ts'

test('every command of the runbook is one that there is, with its options', () => {
  const known = backupCommand()
  const asked = runbookCommands.filter(([name]) => name !== 'doctor')
  expect(asked.length).toBeGreaterThan(9)
  for (const [group, name, ...words] of asked) {
    const command = known.commands.find((one) => one.name() === name)
    const options = command?.options.map(({ long }) => long) ?? []
    expect([group, command === undefined]).toEqual(['backup', false])
    expect(options).toEqual(expect.arrayContaining(words.filter((word) => word.startsWith('--'))))
  }
})

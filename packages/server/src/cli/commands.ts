import type { Command } from 'commander'
import { adminCommand } from './admin-command.ts'
import { anonymiseCommand } from './anonymise-command.ts'
import { auditCommand } from './audit-command.ts'
import { backupCommand } from './backup-command.ts'
import { configCommand } from './config-command.ts'
import { diagnosticsCommand } from './diagnostics-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { encryptionCommand } from './encryption-command.ts'
import { keysCommand } from './keys-command.ts'
import { budgetsCommand } from './budgets-command.ts'
import { limitsCommand } from './limits-command.ts'
import { provenanceCommand } from './provenance-command.ts'
import { moveCommand, upgradeStoreCommand } from './move-command.ts'
import { privacyCommand } from './privacy-command.ts'
import { projectsCommand } from './projects-command.ts'
import { providersCommand } from './providers-command.ts'
import { retentionCommand } from './retention-command.ts'
import { smokeCommand } from './smoke-command.ts'
import { ledgerCommand, migrateCommand } from './store-commands.ts'

/** Every command but `serve`. */
export const operatorCommands = (): readonly Command[] => [
  keysCommand(),
  projectsCommand(),
  providersCommand(),
  budgetsCommand(),
  limitsCommand(),
  encryptionCommand(),
  auditCommand(),
  provenanceCommand(),
  anonymiseCommand(),
  retentionCommand(),
  privacyCommand(),
  adminCommand(),
  migrateCommand(),
  moveCommand(),
  upgradeStoreCommand(),
  backupCommand(),
  configCommand(),
  doctorCommand(),
  diagnosticsCommand(),
  smokeCommand(),
  ledgerCommand(),
]

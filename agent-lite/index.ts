/** The agent as a library, for pages and dedicated workers. See docs/browser.md. */
export { type BrowserAgent, createAgent, FINAL_PUSH_MS } from './browser/agent.ts';
export type { AgentEvents, Listener, Role } from './browser/events.ts';
export {
  type BrowserAgentOptions,
  type BrowserLogOptions,
  defaultBrowserOptions,
  type EdgePushOptions,
  type FunctionTarget,
  type TargetOptions,
  type TargetSettings,
  type UrlTarget,
} from './browser/options.ts';
export type { BrowserAgentStatus, PageTargetStatus, StorageStatus } from './browser/status.ts';
export type { AskForToken, TokenStatus } from './browser/token.ts';
export type { Clock, Level, Logger } from './model.ts';

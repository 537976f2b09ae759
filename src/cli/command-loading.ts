import type { Command } from 'commander';

/** Loads only the command that is asked for: the modules of all others are most of the time a short one would take. */

interface CommandModule {
  /** Adds the command; a group looks at `args`, what follows its name, to know which of its own to load. */
  register(parent: Command, args: readonly string[]): void | Promise<void>;
}

/** By name, in the order in which help lists them. */
export type CommandModules = Readonly<Record<string, () => Promise<CommandModule>>>;

/** Registers the command that `args` name; all of them, if they name none and its list or an error is to be shown. */
export async function registerAsked(
  parent: Command,
  args: readonly string[],
  modules: CommandModules,
): Promise<void> {
  const [name, ...rest] = args;
  const all = Object.entries(modules);
  const asked = all.filter(([each]) => each === name);
  const loaded = await Promise.all((asked.length > 0 ? asked : all).map(([, load]) => load()));
  for (const each of loaded) await each.register(parent, rest);
}

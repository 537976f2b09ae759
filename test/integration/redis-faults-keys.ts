/** Where the members of the tests write what they do while they lead, and the fence that guards it. */
export const FENCE = '{faults}:fence';
export const LINES = '{faults}:lines';

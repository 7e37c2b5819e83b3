export { ENTER_SCREEN, FRAME_HEIGHT, FRAME_WIDTH, LEAVE_SCREEN, paint, renderFrame, type Scene } from './frame.ts';
export { type KeyCommand, keyCommands } from './keys.ts';
export { type Style, styleFrom } from './style.ts';

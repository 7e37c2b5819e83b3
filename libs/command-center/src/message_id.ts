/** What a message may be known by, to whoever sends it and whoever takes it. Leaves room for what the inbox puts before it. */
export const MESSAGE_ID = /^[\x21-\x7e]{1,200}$/;

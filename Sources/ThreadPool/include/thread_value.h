// A pointer that each thread has for itself, nil at first.
#pragma once

/// The calling thread's pointer.
void *_Nullable thread_value(void);

/// Sets the calling thread's pointer and returns the one of before.
void *_Nullable thread_value_exchange(void *_Nullable value);

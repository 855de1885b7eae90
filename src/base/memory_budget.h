// Bounds shared by all workers of a job: bytes in memory, and splits in work. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "godwit/stop_token.h"

namespace godwit {

/// A counted resource. Acquire blocks until the amount is free; an amount above the whole capacity is granted alone, so
/// that one oversized row can't block a job for ever.
class Budget {
 public:
  explicit Budget(int64_t capacity) : capacity_(capacity) {}
  Budget(const Budget&) = delete;

  int64_t capacity() const;
  /// What was acquired beyond a smaller capacity stays so until it is released.
  void SetCapacity(int64_t capacity);
  /// False when a stop was requested before the amount was free.
  bool Acquire(int64_t amount, const StopToken& stop);
  void Release(int64_t amount);

 private:
  mutable std::mutex mutex_;
  int64_t capacity_;
  std::condition_variable freed_;
  int64_t used_ = 0;
};

/// An amount taken from a budget, given back on destruction. Movable; belongs to one thread at a time.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { Reset(); }

  /// An empty reservation (false) when stopped.
  static Reservation Acquire(Budget* budget, int64_t amount, const StopToken& stop);
  explicit operator bool() const { return budget_ != nullptr; }
  /// Gives back what is more than `amount`; never takes more.
  void ShrinkTo(int64_t amount);
  void Reset();

 private:
  Budget* budget_ = nullptr;
  int64_t amount_ = 0;
};

}  // namespace godwit

#include "base/memory_budget.h"

#include <chrono>
#include <utility>

namespace godwit {

int64_t Budget::capacity() const {
  std::lock_guard lock(mutex_);
  return capacity_;
}

void Budget::SetCapacity(int64_t capacity) {
  {
    std::lock_guard lock(mutex_);
    capacity_ = capacity;
  }
  freed_.notify_all();
}

bool Budget::Acquire(int64_t amount, const StopToken& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (used_ == 0 || used_ + amount <= capacity_) {
      used_ += amount;
      return true;
    }
    // A stop request does not signal this condition: look at it a few times a second.
    freed_.wait_for(lock, std::chrono::milliseconds(200));
  }
  return false;
}

void Budget::Release(int64_t amount) {
  {
    std::lock_guard lock(mutex_);
    used_ -= amount;
  }
  freed_.notify_all();
}

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), amount_(std::exchange(other.amount_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Reset();
    budget_ = std::exchange(other.budget_, nullptr);
    amount_ = std::exchange(other.amount_, 0);
  }
  return *this;
}

Reservation Reservation::Acquire(Budget* budget, int64_t amount, const StopToken& stop) {
  Reservation reservation;
  if (!budget->Acquire(amount, stop)) return reservation;
  reservation.budget_ = budget;
  reservation.amount_ = amount;
  return reservation;
}

void Reservation::ShrinkTo(int64_t amount) {
  if (budget_ == nullptr || amount >= amount_) return;
  budget_->Release(amount_ - amount);
  amount_ = amount;
}

void Reservation::Reset() {
  if (budget_ != nullptr) budget_->Release(amount_);
  budget_ = nullptr;
  amount_ = 0;
}

}  // namespace godwit

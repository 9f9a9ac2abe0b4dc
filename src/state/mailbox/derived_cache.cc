#include "state/mailbox/derived_cache.h"

#include <algorithm>

namespace godwit::mailbox {
namespace {

constexpr std::size_t kEntryMemory = 256;  // of lists, maps and a page without records

}  // namespace

std::string_view DerivedPage::record(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(records_).substr(begin, ends_[index] - begin);
}

std::size_t DerivedPage::find(Uid uid) const { return static_cast<std::size_t>(std::ranges::lower_bound(uids_, uid) - uids_.begin()); }

bool DerivedPage::has(Uid uid) const {
  const std::size_t index = find(uid);
  if (index == uids_.size() || uids_[index] != uid) return false;
  return unsettled_.empty() || !std::ranges::binary_search(unsettled_, uid);
}

std::size_t DerivedPage::memory() const {
  return (uids_.capacity() + unsettled_.capacity()) * sizeof(Uid) + ends_.capacity() * sizeof(std::uint32_t) + records_.capacity();
}

void DerivedPage::add(Uid uid, std::string_view record, bool settled) {
  GODWIT_CHECK(uids_.empty() || uids_.back() < uid);
  GODWIT_CHECK(records_.size() + record.size() <= UINT32_MAX);
  uids_.push_back(uid);
  records_ += record;
  ends_.push_back(static_cast<std::uint32_t>(records_.size()));
  if (!settled) unsettled_.push_back(uid);
}

void DerivedPage::reserve(std::size_t count, std::size_t bytes) {
  uids_.reserve(count);
  ends_.reserve(count);
  records_.reserve(bytes);
}

void DerivedPage::shrink() {
  if (records_.capacity() > records_.size() + records_.size() / 8) records_.shrink_to_fit();
}

std::shared_ptr<const DerivedPage> DerivedCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->page;
}

void DerivedCache::keep(const Key& key, std::shared_ptr<const DerivedPage> page) {
  const std::size_t memory = kEntryMemory + page->memory();
  const std::lock_guard lock(mutex_);
  if (const auto place = places_.find(key); place != places_.end()) drop(place);
  if (memory > limit_ / 8) return;
  entries_.push_front({key, std::move(page), memory});
  places_.emplace(key, entries_.begin());
  memory_ += memory;
  while (memory_ > limit_) drop(places_.find(entries_.back().key));
}

void DerivedCache::forget(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  auto place = places_.lower_bound(Key{.account = account});
  while (place != places_.end() && place->first.account == account) place = drop(place);
}

std::size_t DerivedCache::memory() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

DerivedCache::Places::iterator DerivedCache::drop(Places::iterator place) {
  memory_ -= place->second->memory;
  entries_.erase(place->second);
  return places_.erase(place);
}

}  // namespace godwit::mailbox

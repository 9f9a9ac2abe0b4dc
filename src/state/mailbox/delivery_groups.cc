#include "state/mailbox/delivery_groups.h"

namespace godwit::mailbox {

DeliveryGroups::Lead::~Lead() {
  for (auto& resume : others_) resume(false);
  const std::lock_guard lock(groups_.mutex_);
  const auto entry = groups_.groups_.find(account_);
  if (entry->second.waiting.empty()) {
    groups_.groups_.erase(entry);
    return;
  }
  Resume<bool> next = std::move(entry->second.waiting.front().resume);
  entry->second.waiting.pop_front();
  next(true);
}

std::vector<std::shared_ptr<Delivery>> DeliveryGroups::Lead::gather(std::shared_ptr<Delivery> own) {
  std::size_t bytes = own->email.prefix.size();
  std::vector<std::shared_ptr<Delivery>> deliveries(1, std::move(own));
  const std::lock_guard lock(groups_.mutex_);
  Group& group = groups_.groups_.at(account_);
  while (!group.waiting.empty() && deliveries.size() < kMaxGroup) {
    Waiter& next = group.waiting.front();
    bytes += next.delivery->email.prefix.size();
    if (bytes > kMaxPrefixBytes) break;
    deliveries.push_back(std::move(next.delivery));
    others_.push_back(std::move(next.resume));
    group.waiting.pop_front();
  }
  return deliveries;
}

Task<bool> DeliveryGroups::join(directory::AccountId account, std::shared_ptr<Delivery> delivery) {
  if (begin(account)) co_return true;
  co_return co_await suspend<bool>([&](Resume<bool> resume) {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_free] = groups_.try_emplace(account);
    if (is_free)
      resume(true);
    else
      entry->second.waiting.push_back(Waiter{std::move(delivery), std::move(resume)});
  });
}

bool DeliveryGroups::begin(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  return groups_.try_emplace(account).second;
}

}  // namespace godwit::mailbox

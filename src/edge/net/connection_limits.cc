#include "edge/net/connection_limits.h"

#include <utility>

namespace godwit::net {

void ConnectionLimits::set(std::size_t in_all, std::size_t per_address) {
  in_all_ = in_all;
  per_address_ = per_address;
}

ConnectionLimits::Ticket::Ticket(Ticket&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(other.key_) {}

ConnectionLimits::Ticket::~Ticket() {
  if (owner_) owner_->leave(key_);
}

// One customer usually holds a whole /64: its addresses are one peer. The network part of an address does not collide with
// an IPv4 address, because 0000::/32 is nobody's.
std::uint64_t ConnectionLimits::key_of(const IpAddress& address) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < (address.v6 ? 8u : 4u); ++i) key = key << 8 | address.bytes[i];
  return key;
}

std::expected<ConnectionLimits::Ticket, ConnectionLimits::Refusal> ConnectionLimits::admit(const IpAddress& address, bool exempt) {
  const std::size_t most = in_all_.load(std::memory_order_relaxed) + (exempt ? reserve() : 0);
  if (open_.fetch_add(1, std::memory_order_relaxed) >= most) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return std::unexpected(Refusal::in_all);
  }
  const std::uint64_t key = key_of(address);
  Shard& home = shard(key);
  const std::scoped_lock lock(home.mutex);
  std::size_t& count = home.counts[key];
  if (!exempt && count >= per_address_.load(std::memory_order_relaxed)) {
    if (count == 0) home.counts.erase(key);
    open_.fetch_sub(1, std::memory_order_relaxed);
    return std::unexpected(Refusal::per_address);
  }
  ++count;
  return Ticket(this, key);
}

void ConnectionLimits::leave(std::uint64_t key) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  Shard& home = shard(key);
  const std::scoped_lock lock(home.mutex);
  const auto at = home.counts.find(key);
  if (at != home.counts.end() && --at->second == 0) home.counts.erase(at);
}

std::string_view to_sentence(ConnectionLimits::Refusal refusal) {
  return refusal == ConnectionLimits::Refusal::in_all ? "Too many connections to this server; try again later"
                                                      : "Too many connections from your address; close some, then try again";
}

}  // namespace godwit::net

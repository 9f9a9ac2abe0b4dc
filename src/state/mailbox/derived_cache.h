#pragma once
// The pages of derived records that are kept, of all accounts together: kMaxDerived bytes, the one that was asked for longest ago goes
// first. Some 250 bytes a message that was sorted or searched by its heading, so 250,000 messages. Any thread.

#include <compare>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "state/mailbox/derived.h"

namespace godwit::mailbox {

inline constexpr std::size_t kMaxDerived = 64 * 1024 * 1024;

class DerivedCache {
 public:
  struct Key {
    directory::AccountId account = 0;
    MailboxNumber mailbox = 0;
    std::uint32_t uid_validity = 0;
    std::uint8_t kind = 0;
    std::uint32_t page = 0;
    auto operator<=>(const Key&) const = default;
  };

  explicit DerivedCache(std::size_t limit = kMaxDerived) : limit_(limit) {}

  // Null: not kept.
  std::shared_ptr<const DerivedPage> find(const Key& key);
  // In place of the one that was there. A page of more than an eighth of all is not kept.
  void keep(const Key& key, std::shared_ptr<const DerivedPage> page);
  void forget(directory::AccountId account);
  std::size_t memory() const;

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const DerivedPage> page;
    std::size_t memory = 0;
  };
  using Entries = std::list<Entry>;
  using Places = std::map<Key, Entries::iterator>;
  Places::iterator drop(Places::iterator place);

  const std::size_t limit_;
  mutable std::mutex mutex_;
  Entries entries_;  // the last one asked for in front
  Places places_;
  std::size_t memory_ = 0;
};

}  // namespace godwit::mailbox

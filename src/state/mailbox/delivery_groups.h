#pragma once
// Deliveries to one account that wait at the same moment go into one batch: one of them leads, the others get their answer.
//
// While the leader's batch is on its way to the disk, the next group gathers. Any thread; whoever waits resumes on its own
// loop. Owned by Mailboxes; outlives its deliveries.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "state/mailbox/rows.h"

namespace godwit::mailbox {

struct Delivery {
  MessageId message;
  std::string key;  // of its `delivered` row
  NewEmail email;
  std::optional<Result<Mailboxes::Delivered>> result;
};

class DeliveryGroups {
 public:
  static constexpr std::size_t kMaxGroup = 128;
  static constexpr std::size_t kMaxPrefixBytes = 256 * 1024;  // of a group, so that a batch stays below 1 MiB

  // Held by the leader; its destructor answers the group's others and lets the next one lead.
  class Lead {
   public:
    Lead(DeliveryGroups& groups, directory::AccountId account) : groups_(groups), account_(account) {}
    ~Lead();
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;

    // The leader's own delivery and those that wait by now, within the limits.
    std::vector<std::shared_ptr<Delivery>> gather(std::shared_ptr<Delivery> own);

   private:
    friend class DeliveryGroups;
    DeliveryGroups& groups_;
    directory::AccountId account_;
    std::vector<Resume<bool>> others_;
  };

  // true: the caller leads. false: its delivery has been answered.
  Task<bool> join(directory::AccountId account, std::shared_ptr<Delivery> delivery);

 private:
  struct Waiter {
    std::shared_ptr<Delivery> delivery;
    Resume<bool> resume;
  };
  struct Group {
    std::deque<Waiter> waiting;
  };
  bool begin(directory::AccountId account);

  std::mutex mutex_;
  std::unordered_map<directory::AccountId, Group> groups_;
};

}  // namespace godwit::mailbox

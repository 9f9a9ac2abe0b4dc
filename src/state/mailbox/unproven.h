#pragma once
// Emails whose rows may be on the disk while their bytes are still on their way: an append writes both side by side (docs/adr/0015).
//
// Each batch of an account notes in the account's row from which email on that is so (`unproven_email`). The emails before it had
// their bytes durable when the row was written; what is missing of those is damage, and stays. Of the others the next process takes
// out, before anybody reads the account, what a power cut left without bytes: nobody was told that it is kept.
//
// Any thread; owned by Mailboxes; outlives its holds. One process at a time appends to an account.

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "state/mailbox/rows.h"

namespace godwit::mailbox {

class UnprovenEmails {
 public:
  // Of one append: taken before its batch is written, let go of when its bytes are durable or it has been taken out again.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept : emails_(std::exchange(other.emails_, nullptr)), account_(other.account_), first_(other.first_) {}
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { let_go(); }

    void let_go();
    // For good: neither happened, so the next start is to look at it.
    void keep() { emails_ = nullptr; }

   private:
    friend class UnprovenEmails;
    Hold(UnprovenEmails& emails, directory::AccountId account, EmailId first) : emails_(&emails), account_(account), first_(first) {}

    UnprovenEmails* emails_ = nullptr;
    directory::AccountId account_ = 0;
    EmailId first_ = 0;
  };

  // `first`: the lowest of the batch. The caller has the account's turn.
  Hold hold(directory::AccountId account, EmailId first);

  // What a batch is to put into the row that says `noted`; 0: all bytes are durable. What an earlier process noted stays until it is
  // settled.
  EmailId first(directory::AccountId account, EmailId noted);
  // The lowest that this process holds; 0: none.
  EmailId first_held(directory::AccountId account);

  // Whether what earlier processes left has been looked at.
  bool is_settled(directory::AccountId account);
  void set_settled(directory::AccountId account);

 private:
  EmailId lowest(directory::AccountId account) const;

  std::mutex mutex_;
  std::unordered_map<directory::AccountId, std::vector<EmailId>> held_;
  std::unordered_set<directory::AccountId> settled_;
};

}  // namespace godwit::mailbox

#pragma once
// Local delivery: one recipient of a queued message into its account's INBOX, exactly once.
// Any loop; owned by the application.

#include <vector>

#include "base/task.h"
#include "service/routing/router.h"
#include "state/mailbox/mailbox.h"
#include "state/queue/message.h"
#include "state/queue/queue.h"

namespace godwit::delivery {

struct LocalResult {
  queue::Outcome outcome;
  std::vector<queue::Handover> handover;  // of the blob, when delivered
};

// The msg-ids that tie the message to its thread, own first (mailbox::NewEmail::threads): once a message, for all its recipients. When
// the bytes cannot be read there are none: it is a thread of its own then.
Task<std::vector<std::string>> read_thread_ids(store::Blobs& blobs, std::shared_ptr<const queue::Message> message);

// Return-Path and Delivered-To go in front (RFC 5321 4.4; the blob is shared). Bytes must be durable already.
Task<LocalResult> deliver_local(mailbox::Mailboxes& mailboxes, const queue::Message& message, const queue::Recipient& recipient,
                                directory::Account account, std::vector<std::string> threads);

}  // namespace godwit::delivery

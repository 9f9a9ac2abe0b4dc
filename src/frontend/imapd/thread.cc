#include "frontend/imapd/thread.h"

#include "frontend/imapd/heading_walk.h"
#include "frontend/imapd/message_walk.h"
#include "grammar/message/threading.h"

namespace godwit::imapd {
namespace {

class Gatherer {
 public:
  Gatherer(const mailbox::UidSet& view, imap::Thread::Algorithm algorithm, bool uid)
      : view_(view), by_references_(algorithm == imap::Thread::Algorithm::references), uid_(uid) {}

  void take(mailbox::Uid uid, const Heading& heading, const mailbox::Details* whole) {
    const auto sequence = view_.sequence_of(uid);
    if (!sequence) return;
    auto& message = messages_.emplace_back();
    message.number = uid_ ? uid : *sequence;
    message.sent = std::chrono::sys_seconds(std::chrono::seconds(heading.sent));
    message.base_subject = heading.base_subject_number;
    message.reply_or_forward = heading.reply_or_forward;
    if (!by_references_) return;
    message.message_id = heading.message_number;
    message.references_begin = references_.size();
    if (whole != nullptr) {
      keep(whole->references.size(), [&](std::size_t i) { return number_of(whole->references[i]); });
    } else {
      keep(heading.reference_count(), [&](std::size_t i) { return heading.reference_at(i); });
    }
    message.references_count = references_.size() - message.references_begin;
  }

  message::ThreadForest forest() const {
    return by_references_ ? message::thread_references(messages_, references_) : message::thread_ordered_subject(messages_);
  }

 private:
  template <class At>
  void keep(std::size_t count, const At& at) {
    const std::size_t first = count > 0 && references_.size() + count > kMaxThreadReferences ? count - 1 : 0;
    for (std::size_t i = first; i < count; ++i) references_.push_back(at(i));
  }

  const mailbox::UidSet& view_;
  bool by_references_;
  bool uid_;
  std::vector<message::ThreadEntry> messages_;
  std::vector<std::uint64_t> references_;
};

}  // namespace

Task<Result<std::string>> thread(Searching searching, imap::Thread::Algorithm algorithm, std::vector<mailbox::Uid> uids, bool uid) {
  Gatherer gatherer(searching.view, algorithm, uid);
  const auto take = [&](mailbox::Uid each, const Heading& heading, const mailbox::Details* whole) { gatherer.take(each, heading, whole); };
  HeadingWalk walk(searching, algorithm == imap::Thread::Algorithm::references);
  auto ranges = ranges_of(uids);
  GODWIT_CO_TRY(co_await walk.run(std::move(ranges), take));
  std::string out;
  message::append_threads(out, gatherer.forest());
  co_return out;
}

}  // namespace godwit::imapd

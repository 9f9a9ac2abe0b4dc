#include "frontend/imapd/thread.h"

#include "frontend/imapd/message_walk.h"
#include "frontend/imapd/sent_date.h"
#include "grammar/message/threading.h"

namespace godwit::imapd {
namespace {

using message::ThreadMessage;

constexpr std::size_t kReferenceCost = 64;  // of one that is kept, beside its bytes

class Gatherer {
 public:
  Gatherer(const mailbox::UidSet& view, imap::Thread::Algorithm algorithm, bool uid)
      : view_(view), by_references_(algorithm == imap::Thread::Algorithm::references), uid_(uid) {}

  void take(const mailbox::MessageInfo& info, const mailbox::Details* details) {
    const auto sequence = view_.sequence_of(info.uid);
    if (!sequence) return;
    ThreadMessage& message = messages_.emplace_back();
    message.number = uid_ ? info.uid : *sequence;
    message.sent = sent_date(info, details);
    if (!details) return;
    message.subject = details->envelope.subject.value_or("").substr(0, kMaxThreadSubject);
    if (!by_references_) return;
    message.message_id = first_id(details->envelope.message_id);
    keep(message, details->references);
  }

  const std::vector<ThreadMessage>& messages() const { return messages_; }

 private:
  static std::string first_id(const std::optional<std::string>& field) {
    if (!field) return {};
    auto ids = message::parse_message_ids(*field);
    return ids.empty() ? std::string() : std::move(ids.front());
  }

  void keep(ThreadMessage& message, const std::vector<std::string>& references) {
    std::size_t cost = 0;
    for (const auto& each : references) cost += each.size() + kReferenceCost;
    if (kept_ + cost > kMaxThreadReferences) {
      if (!references.empty()) message.references.push_back(references.back());
      return;
    }
    kept_ += cost;
    message.references = references;
  }

  const mailbox::UidSet& view_;
  bool by_references_;
  bool uid_;
  std::size_t kept_ = 0;
  std::vector<ThreadMessage> messages_;
};

}  // namespace

Task<Result<std::string>> thread(Searching searching, imap::Thread::Algorithm algorithm, std::vector<mailbox::Uid> uids, bool uid) {
  const bool by_references = algorithm == imap::Thread::Algorithm::references;
  const std::uint8_t want = mailbox::Details::kHeading | (by_references ? mailbox::Details::kReferences : 0);
  Gatherer gatherer(searching.view, algorithm, uid);
  const auto take = [&](const mailbox::MessageInfo& info, const mailbox::Details* details) { gatherer.take(info, details); };
  GODWIT_CO_TRY(co_await walk_messages(searching, uids, want, take));
  const auto forest =
      by_references ? message::thread_references(gatherer.messages()) : message::thread_ordered_subject(gatherer.messages());
  std::string out;
  message::append_threads(out, forest);
  co_return out;
}

}  // namespace godwit::imapd

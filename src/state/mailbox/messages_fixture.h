#pragma once
// An account with its first mailboxes and one more, and what the tests of messages ask for. For the tests of this module alone.

#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {

class MessagesTest : public MailboxFixture {
 protected:
  MessagesTest() {
    open_account();
    box_ = create("box").value().number;
  }
  std::vector<std::string> keywords_of(const MessageInfo& message) {
    const auto known = loop_.run(mailboxes_->keywords(kAnna)).value();
    std::vector<std::string> out;
    out.reserve(message.keywords.size());
    for (const KeywordNumber number : message.keywords) out.push_back(known->name(number));
    return out;
  }
  ThreadId thread_of(MailboxNumber mailbox, Uid uid) {
    return loop_.run(mailboxes_->email(kAnna, messages(mailbox, {{uid, uid}}).at(0).email)).value().thread;
  }
  std::vector<NewMessage> several(std::size_t count) {
    std::vector<NewMessage> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out.push_back(new_message());
    return out;
  }

  MailboxNumber box_ = 0;
};

}  // namespace godwit::mailbox

// Keys of an account's partition. on disk: do not change (docs/formats/mailbox.md)

#include "base/bytes.h"
#include "state/mailbox/rows.h"

namespace godwit::mailbox {
namespace {

Error bad_key() { return Error::permanent(Error::Cause::corrupt, "a mailbox row has a key of the wrong length"); }

}  // namespace

std::string mailbox_key(MailboxNumber mailbox) {
  std::string key(kAllMailboxes);
  append_be32(key, mailbox);
  return key;
}

std::string email_key(EmailId email) {
  std::string key(kAllEmails);
  append_be64(key, email);
  return key;
}

std::string messages_prefix(MailboxNumber mailbox) {
  std::string key(kAllMessages);
  append_be32(key, mailbox);
  return key;
}

std::string messages_key(MailboxNumber mailbox, std::uint32_t page) {
  std::string key = messages_prefix(mailbox);
  append_be32(key, page);
  return key;
}

std::string by_email_prefix(EmailId email) {
  std::string key(kAllByEmail);
  append_be64(key, email);
  return key;
}

std::string by_email_key(EmailId email, MailboxNumber mailbox, Uid uid) {
  std::string key = by_email_prefix(email);
  append_be32(key, mailbox);
  append_be32(key, uid);
  return key;
}

std::string pages_prefix(MailboxNumber mailbox) {
  std::string key(kAllPages);
  append_be32(key, mailbox);
  return key;
}

std::string page_key(MailboxNumber mailbox, std::uint16_t page) {
  std::string key = pages_prefix(mailbox);
  append_be16(key, page);
  return key;
}

std::string thread_key(std::uint64_t hash) {
  std::string key(kAllThreads);
  append_be64(key, hash);
  return key;
}

std::string keyword_key(KeywordNumber keyword) {
  std::string key(kAllKeywords);
  append_be16(key, keyword);
  return key;
}

std::string subscription_key(std::string_view name) {
  std::string key(kAllSubscriptions);
  key += name;
  return key;
}

std::string recent_key(MailboxNumber mailbox) {
  std::string key(kAllRecents);
  append_be32(key, mailbox);
  return key;
}

std::string details_key(EmailId email) {
  std::string key(kAllDetails);
  append_be64(key, email);
  return key;
}

std::string changed_key(Modseq modseq) {
  std::string key(kAllChanged);
  append_be64(key, modseq);
  return key;
}

std::string expunged_key(Modseq modseq) {
  std::string key(kAllExpunged);
  append_be64(key, modseq);
  return key;
}

std::string orphans_key(Modseq modseq) {
  std::string key(kAllOrphans);
  append_be64(key, modseq);
  return key;
}

std::string left_key(Modseq modseq) {
  std::string key(kAllLeft);
  append_be64(key, modseq);
  return key;
}

std::string release_key(EmailId email) {
  std::string key(kAllReleases);
  append_be64(key, email);
  return key;
}

std::string delivered_key(MessageId message, std::string_view recipient) {
  std::string key;
  append_be64(key, message.value);
  key += recipient;
  return key;
}

std::string blob_refs_prefix(store::BlobId blob) { return blob.key() + 'm'; }

std::string blob_ref_key(store::BlobId blob, directory::AccountId account, EmailId email) {
  std::string key = blob_refs_prefix(blob);
  append_be32(key, account);
  append_be64(key, email);
  return key;
}

Result<MessagesKey> parse_messages_key(std::string_view key) {
  if (key.size() != 9) return fail(bad_key());
  return MessagesKey{read_be32(key.substr(1)), read_be32(key.substr(5))};
}

Result<ByEmailKey> parse_by_email_key(std::string_view key) {
  if (key.size() != 17) return fail(bad_key());
  return ByEmailKey{read_be64(key.substr(1)), {read_be32(key.substr(9)), read_be32(key.substr(13))}};
}

Result<std::uint64_t> parse_number_key(std::string_view key) {
  if (key.size() != 9) return fail(bad_key());
  return read_be64(key.substr(1));
}

Result<MailboxNumber> parse_mailbox_key(std::string_view key) {
  if (key.size() != 5) return fail(bad_key());
  return read_be32(key.substr(1));
}

Result<PageKey> parse_page_key(std::string_view key) {
  if (key.size() != 7) return fail(bad_key());
  return PageKey{read_be32(key.substr(1)), read_be16(key.substr(5))};
}

Result<KeywordNumber> parse_keyword_key(std::string_view key) {
  if (key.size() != 3) return fail(bad_key());
  return read_be16(key.substr(1));
}

}  // namespace godwit::mailbox

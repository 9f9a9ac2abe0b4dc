#include "state/directory/record.h"

#include "base/bytes.h"
#include "state/directory/record.pb.h"

namespace godwit::directory {
namespace {

Error damaged(std::string_view what) {
  return Error::permanent(Error::Cause::corrupt, "a row of the directory is damaged: " + std::string(what));
}

std::int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
WallTime from_ms(std::int64_t ms) { return WallTime(Duration(ms)); }

std::string key_of(char kind, const smtp::Domain& domain) {
  std::string key(1, kind);
  key += domain.text();
  return key;
}

Result<smtp::Address> make_address(std::string local, const smtp::Domain& domain) {
  GODWIT_ASSIGN(auto part, smtp::make_local_part(std::move(local)));
  return smtp::Address{std::move(part), domain};
}

Result<Name> to_account(const record::Account& stored, const smtp::Domain& domain) {
  GODWIT_ASSIGN(auto address, make_address(stored.local(), domain));
  Account account{stored.id(), std::move(address), from_ms(stored.created_ms())};
  account.imap_without.assign(stored.imap_without().begin(), stored.imap_without().end());
  return account;
}

Result<Name> to_alias(const record::Alias& stored, const smtp::Domain& domain) {
  Alias alias;
  GODWIT_ASSIGN(alias.address, make_address(stored.local(), domain));
  alias.targets.reserve(static_cast<std::size_t>(stored.targets_size()));
  for (const auto& target : stored.targets()) {
    GODWIT_ASSIGN(const auto target_domain, smtp::parse_domain(target.domain()));
    GODWIT_ASSIGN(auto address, make_address(target.local(), target_domain));
    alias.targets.push_back(std::move(address));
  }
  return alias;
}

}  // namespace

std::string domain_key(const smtp::Domain& domain) { return key_of('d', domain); }

std::string names_prefix(const smtp::Domain& domain) { return key_of('n', domain) + '\0'; }

std::string name_key(const smtp::Domain& domain, std::string_view normalised_local) {
  std::string key;
  key.reserve(2 + domain.text().size() + normalised_local.size());
  key += 'n';
  key += domain.text();
  key += '\0';
  key += normalised_local;
  return key;
}

std::string members_prefix(const smtp::Domain& domain) { return key_of('m', domain) + '\0'; }

std::string member_key(const smtp::Domain& domain, AccountId id) {
  std::string key = members_prefix(domain);
  append_be32(key, id);
  return key;
}

std::string credential_key(AccountId id) {
  std::string key = "c";
  append_be32(key, id);
  return key;
}

Result<smtp::Domain> domain_of_key(std::string_view key) {
  if (key.empty()) return fail(damaged("an empty key"));
  const std::string_view text = key.substr(1, key.find('\0', 1) - 1);
  return smtp::parse_domain(text);
}

std::string encode_domain(WallTime created) {
  record::Domain stored;
  stored.set_created_ms(to_ms(created));
  return stored.SerializeAsString();
}

std::string encode_account(const Account& account) {
  record::Name stored;
  stored.mutable_account()->set_id(account.id);
  stored.mutable_account()->set_local(account.address.local.text());
  stored.mutable_account()->set_created_ms(to_ms(account.created));
  for (const auto& capability : account.imap_without) stored.mutable_account()->add_imap_without(capability);
  return stored.SerializeAsString();
}

std::string encode_alias(const Alias& alias) {
  record::Name stored;
  stored.mutable_alias()->set_local(alias.address.local.text());
  for (const auto& address : alias.targets) {
    auto* target = stored.mutable_alias()->add_targets();
    target->set_local(address.local.text());
    target->set_domain(address.domain.text());
  }
  return stored.SerializeAsString();
}

Result<Name> decode_name(std::string_view key, std::string_view value) {
  record::Name stored;
  if (!stored.ParseFromArray(value.data(), static_cast<int>(value.size()))) return fail(damaged("a name that cannot be read"));
  GODWIT_ASSIGN(const auto domain, domain_of_key(key));
  if (stored.has_account()) return to_account(stored.account(), domain);
  if (stored.has_alias()) return to_alias(stored.alias(), domain);
  return fail(damaged("a name without meaning"));
}

std::string encode_credential(std::string_view hash, WallTime changed) {
  record::Credential stored;
  stored.set_hash(std::string(hash));
  stored.set_changed_ms(to_ms(changed));
  return stored.SerializeAsString();
}

Result<std::string> decode_credential(std::string_view value) {
  record::Credential stored;
  if (!stored.ParseFromArray(value.data(), static_cast<int>(value.size()))) return fail(damaged("a credential that cannot be read"));
  return stored.hash();
}

std::string encode_removal(const smtp::Address& address, WallTime removed) {
  record::Removal stored;
  stored.set_address(address.text());
  stored.set_removed_ms(to_ms(removed));
  return stored.SerializeAsString();
}

}  // namespace godwit::directory

#pragma once
// Keys and records of the directory's rows (docs/formats/directory.md). Pure functions, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "state/directory/directory.h"

namespace godwit::directory {

// on disk: do not change
std::string domain_key(const smtp::Domain& domain);                                   // 'd' domain
std::string name_key(const smtp::Domain& domain, std::string_view normalised_local);  // 'n' domain 0 local
std::string names_prefix(const smtp::Domain& domain);                                 // 'n' domain 0
std::string member_key(const smtp::Domain& domain, AccountId id);                     // 'm' domain 0 id
std::string members_prefix(const smtp::Domain& domain);                               // 'm' domain 0
std::string credential_key(AccountId id);                                             // 'c' id
inline constexpr std::string_view kAllDomains = "d";
inline constexpr std::string_view kAllNames = "n";
inline constexpr std::string_view kLastAccountKey = "i";  // counter: the last account number given

// What a name row says.
using Name = std::variant<Account, Alias>;

Result<smtp::Domain> domain_of_key(std::string_view key);  // of a 'd', 'n' or 'm' row

std::string encode_domain(WallTime created);
std::string encode_account(const Account& account);
std::string encode_alias(const Alias& alias);
Result<Name> decode_name(std::string_view key, std::string_view value);
std::string encode_credential(std::string_view hash, WallTime changed);
Result<std::string> decode_credential(std::string_view value);  // the hash
std::string encode_removal(const smtp::Address& address, WallTime removed);

}  // namespace godwit::directory

//! The accounts that a command works on: usually one, several with `-p GLOB` or `--all-profiles`.
//!
//! Several go side by side, and one that fails does not stop the others: each failure is told with its profile, and the
//! command ends with 1 (design §1).

use futures_util::future::join_all;

use super::Context;
use super::account::Account;
use crate::error::{Error, ExitStatus, Kind};
use crate::invocation::Invocation;
use crate::output::text::word;
use crate::output::webhooks::{Commands, Entry};
use crate::services::ability::{Ability, Lack, lack_of};
use crate::services::facts::facts;
use crate::settings::{Connection, SettingsError};
use crate::webhook::{Health, ServiceKind};

/// The accounts, each connected or with the reason why not.
pub struct Accounts {
    /// Whether several were asked for: then answers say which profile they are about.
    pub is_several: bool,
    invocation: Invocation,
    list: Vec<(String, Result<Account, Error>)>,
}

/// What a command found at each account.
pub struct Gathered<'a, T> {
    /// By account, in order of the profiles' names.
    pub answers: Vec<(&'a Account, T)>,
    /// Profiles with the error they ended with.
    pub failures: Vec<(&'a str, Error)>,
}

impl Accounts {
    /// Connects to the accounts that the settings name. Where only one was asked for, its failure is the command's.
    pub async fn connect(context: &Context) -> Result<Self, Error> {
        Self::connect_able(context, None).await
    }

    /// The same with those alone whose service has `ability`: of several, the others are skipped with a notice.
    pub async fn connect_able(context: &Context, ability: Option<Ability>) -> Result<Self, Error> {
        let chosen = context.settings.chosen()?;
        let mut list = Vec::with_capacity(chosen.connections.len());
        let lacks = |(_, connection): &(String, _)| lack(connection, ability);
        let first = chosen.connections.iter().find_map(|one| Some((&one.0, lacks(one)?)));
        if let Some((profile, lack)) =
            first.filter(|_| chosen.connections.iter().all(|one| lacks(one).is_some()))
        {
            let error = Error::new(Kind::Usage, lack.sentence).hint(lack.instead);
            return Err(error.retyped(context.settings.invocation_of(Some(profile))));
        }
        for (profile, connection) in &chosen.connections {
            if let Some(lack) = lack(connection, ability) {
                context.output.notice(&format!("profile {profile} is skipped: {}", lack.sentence));
                continue;
            }
            let account = match connection.clone() {
                Ok(connection) => Account::connect(context, connection).await,
                Err(error) => Err(error.into()),
            };
            list.push((profile.clone(), account));
        }
        Ok(Self {
            is_several: chosen.is_several,
            invocation: context.settings.invocation_of(None).clone(),
            list,
        })
    }

    /// The one account of a command that works on one.
    pub fn only(&self) -> Result<&Account, Error> {
        match self.list.as_slice() {
            [(_, account)] if !self.is_several => account.as_ref().map_err(Error::clone),
            _ => Err(several_named(self.first())),
        }
    }

    /// The error where an id is given for several accounts.
    #[must_use]
    pub fn one_for_an_id(&self) -> Error {
        Error::new(Kind::Usage, "an id belongs to one profile, and several are named")
            .hint(format!("name the one it belongs to, such as -p {}", self.first()))
    }

    fn first(&self) -> &str {
        self.list.first().map_or("NAME", |(profile, _)| profile)
    }

    /// The service of each account that is connected.
    pub fn services(&self) -> impl Iterator<Item = ServiceKind> {
        self.list.iter().filter_map(|(_, account)| Some(account.as_ref().ok()?.service()))
    }

    /// What to type to run `rest` against these accounts.
    #[must_use]
    pub fn command(&self, rest: &str) -> String {
        self.invocation.command(rest)
    }

    /// The same for something that is about one of them: then `PROFILE` stands for its name.
    #[must_use]
    pub fn command_for_one(&self, rest: &str) -> String {
        if self.is_several { format!("vwh -p PROFILE {rest}") } else { self.command(rest) }
    }

    /// What the summary of a list of `entries` says to type next.
    #[must_use]
    pub fn commands(&self, entries: &[Entry<'_>]) -> Commands {
        let failed = entries.iter().filter(|entry| entry.health == Health::Failed);
        let failed: Vec<(&str, &str)> =
            failed.map(|entry| (entry.profile, entry.webhook.id.as_str())).collect();
        let status = match failed.as_slice() {
            [(_, id)] if !id.is_empty() => format!("status {}", word(id)),
            _ => "status ID".to_owned(),
        };
        let is_of_one = failed.windows(2).all(|pair| pair[0].0 == pair[1].0);
        let account = failed.first().filter(|_| is_of_one).and_then(|(profile, _)| self.account_of(profile));
        Commands {
            status: account.map_or_else(|| self.command_for_one(&status), |account| account.command(&status)),
            renew_failed: self.command("renew --failed"),
            renew_expiring: self.command("renew --expiring-within 3d"),
            resume: self
                .services()
                .any(|service| facts(service).can_pause)
                .then(|| self.command_for_one("update ID --resume")),
        }
    }

    fn account_of(&self, profile: &str) -> Option<&Account> {
        let (_, account) = self.list.iter().find(|(name, _)| name == profile)?;
        account.as_ref().ok()
    }

    /// Does `work` with every account, all at once. Where only one was asked for, its failure is returned as it is.
    pub async fn each<'a, T, F>(&'a self, work: F) -> Result<Gathered<'a, T>, Error>
    where
        F: AsyncFn(&'a Account) -> Result<T, Error>,
    {
        let mut gathered = self.gather(work).await;
        match gathered.failures.pop() {
            Some((_, error)) if !self.is_several => Err(error),
            last => {
                gathered.failures.extend(last);
                Ok(gathered)
            }
        }
    }

    /// The same, where the failure of the only one is an answer too.
    pub async fn gather<'a, T, F>(&'a self, work: F) -> Gathered<'a, T>
    where
        F: AsyncFn(&'a Account) -> Result<T, Error>,
    {
        let work = &work;
        let answered = self.list.iter().map(|(profile, account)| async move {
            let answer = match account {
                Ok(account) => {
                    let answer = work(account).await.map_err(|error| account.retyped(error));
                    answer.map(|answer| (account, answer))
                }
                Err(error) => Err(error.clone()),
            };
            (profile.as_str(), answer)
        });
        let mut gathered = Gathered { answers: Vec::new(), failures: Vec::new() };
        // All at once: behind one that is held or stalled, none of the others may have to wait for its turn.
        for (profile, answer) in join_all(answered).await {
            match answer {
                Ok(answer) => gathered.answers.push(answer),
                Err(error) => gathered.failures.push((profile, error)),
            }
        }
        gathered
    }

    /// Ends the connections.
    pub async fn leave(self) -> Result<(), Error> {
        for (_, account) in self.list {
            if let Ok(account) = account {
                account.leave().await?;
            }
        }
        Ok(())
    }
}

impl<T> Gathered<'_, T> {
    /// Tells the failures, and how the command ends that ended with `status` for the others.
    pub fn conclude(self, context: &Context, status: ExitStatus) -> Result<ExitStatus, Error> {
        conclude(context, self.failures, status)
    }
}

/// The error where several are named, of which this is the first, for a command that works on one.
#[must_use]
pub fn several_named(first: &str) -> Error {
    Error::new(Kind::Usage, "several profiles are named, and this command works on one")
        .hint(format!("name one, such as -p {first}"))
}

fn lack(connection: &Result<Connection, SettingsError>, ability: Option<Ability>) -> Option<Lack> {
    lack_of(connection.as_ref().ok()?.service, ability?)
}

/// The service of `profile` as far as the settings know it, connected or not.
#[must_use]
pub fn service_of(context: &Context, profile: &str) -> Option<ServiceKind> {
    context.settings.chosen().ok()?.connection_of(profile).map(|connection| connection.service)
}

/// Tells the failures by profile, and how the command ends that ended with `status` for the others.
pub fn conclude(
    context: &Context,
    failures: Vec<(&str, Error)>,
    status: ExitStatus,
) -> Result<ExitStatus, Error> {
    if failures.is_empty() {
        return Ok(status);
    }
    // Whatever one failed with once it was told to stop, it was stopped.
    let is_interrupted = context.limits.is_interrupted();
    let told = |(profile, error): (&str, Error)| {
        let error = if is_interrupted { error.of_kind(Kind::Interrupted) } else { error };
        error.of_profile(profile)
    };
    let mut failures: Vec<Error> = failures.into_iter().map(told).collect();
    // One of those that were stopped ends the command; all others are told here.
    let stopped = failures.iter().position(|error| error.kind == Kind::Interrupted);
    let stopped = stopped.map(|position| failures.remove(position));
    for (position, error) in failures.iter().enumerate() {
        if position > 0 {
            context.output.part_errors();
        }
        context.output.error(&error.view());
    }
    if stopped.is_some() && !failures.is_empty() {
        context.output.part_errors();
    }
    stopped.map_or(Ok(ExitStatus::Failure), Err)
}

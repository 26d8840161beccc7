using static KafkaBackup.ErrorKind;

namespace KafkaBackup;

/// <summary>
/// Every error that users can meet, in one place. Ids are stable: scripts match on them. Documented in about_KafkaBackup_Errors.
/// </summary>
public static class ErrorIds
{
    // Configuration
    public static readonly ErrorDefinition ConfigFileNotFound = new(
        nameof(ConfigFileNotFound),
        ObjectNotFound,
        "Check the path; a relative one is taken from PowerShell's current location."
    );
    public static readonly ErrorDefinition ConfigSyntax = new(
        nameof(ConfigSyntax),
        InvalidData,
        "Correct the YAML at the line and column named."
    );
    public static readonly ErrorDefinition ConfigUnknownKey = new(
        nameof(ConfigUnknownKey),
        InvalidArgument,
        "Correct or remove the key; about_KafkaBackup lists the known ones."
    );
    public static readonly ErrorDefinition ConfigWrongType = new(
        nameof(ConfigWrongType),
        InvalidArgument,
        "Give the value in the form named in the message."
    );
    public static readonly ErrorDefinition ConfigOutOfRange = new(
        nameof(ConfigOutOfRange),
        InvalidArgument,
        "Give a value in the range named in the message."
    );
    public static readonly ErrorDefinition ConfigVariableUnset = new(
        nameof(ConfigVariableUnset),
        InvalidArgument,
        "Set the environment variable, or give a default: ${NAME:-default}."
    );
    public static readonly ErrorDefinition ConfigConflict = new(nameof(ConfigConflict), InvalidArgument, "Remove one of the two settings.");
    public static readonly ErrorDefinition MissingSettings = new(
        nameof(MissingSettings),
        InvalidArgument,
        "Give the settings named, as parameters or in the file."
    );
    public static readonly ErrorDefinition InvalidPattern = new(
        nameof(InvalidPattern),
        InvalidArgument,
        "Correct the pattern: '~' starts a regular expression, all else is a glob with * and ?."
    );
    public static readonly ErrorDefinition InvalidTime = new(
        nameof(InvalidTime),
        InvalidArgument,
        "Use epoch milliseconds (1705312800000), ISO 8601 with a zone (2024-01-15T10:00:00Z), or a relative time (-2h)."
    );
    public static readonly ErrorDefinition InvalidDuration = new(
        nameof(InvalidDuration),
        InvalidArgument,
        "Use a TimeSpan or a number with a unit: 30s, 5m, 2h, 1d."
    );
    public static readonly ErrorDefinition InvalidSize = new(
        nameof(InvalidSize),
        InvalidArgument,
        "Use a number of bytes or a number with a unit: 64MB, 1GB."
    );
    public static readonly ErrorDefinition InvalidBackupId = new(
        nameof(InvalidBackupId),
        InvalidArgument,
        "Use letters, digits, '.', '_' and '-', no dot at the end, and no name that Windows reserves."
    );
    public static readonly ErrorDefinition InvalidPath = new(
        nameof(InvalidPath),
        InvalidArgument,
        "Give -Path the store that holds the backups, and -BackupId the backup's name."
    );
    public static readonly ErrorDefinition InvalidWindow = new(
        nameof(InvalidWindow),
        InvalidArgument,
        "Give a start that is not later than the end."
    );
    public static readonly ErrorDefinition InvalidKafkaOption = new(
        nameof(InvalidKafkaOption),
        InvalidArgument,
        "Use a librdkafka configuration property and a value it accepts."
    );

    // Cluster
    public static readonly ErrorDefinition NativeLibraryMissing = new(
        nameof(NativeLibraryMissing),
        NotInstalled,
        "Install what the message names as missing; or install the module again: the native client library must lie in its lib/runtimes folder."
    );
    public static readonly ErrorDefinition NativeLibraryTooOld = new(
        nameof(NativeLibraryTooOld),
        NotInstalled,
        "Use the library that ships with the module, or librdkafka 2.8 or newer."
    );
    public static readonly ErrorDefinition ClusterUnreachable = new(
        nameof(ClusterUnreachable),
        ConnectionError,
        "Check the bootstrap servers, the network and the security protocol."
    );
    public static readonly ErrorDefinition ClusterAuthentication = new(
        nameof(ClusterAuthentication),
        AuthenticationError,
        "Check user name, password and mechanism."
    );
    public static readonly ErrorDefinition ClusterTls = new(
        nameof(ClusterTls),
        SecurityError,
        "Check the CA certificate, the client certificate and key, and that the listener speaks TLS."
    );
    public static readonly ErrorDefinition ClusterUnauthorized = new(
        nameof(ClusterUnauthorized),
        PermissionDenied,
        "Grant the right named in the message to this user."
    );
    public static readonly ErrorDefinition ClusterRequestFailed = new(
        nameof(ClusterRequestFailed),
        ProtocolError,
        "Look at the broker's log around this time, then run again."
    );
    public static readonly ErrorDefinition TopicNotFound = new(
        nameof(TopicNotFound),
        ObjectNotFound,
        "Check the topic's name, which is case-sensitive, and this user's rights: a topic that it may not DESCRIBE does not show."
    );
    public static readonly ErrorDefinition NothingMatched = new(
        nameof(NothingMatched),
        ObjectNotFound,
        "Widen the selection; the message lists what exists."
    );
    public static readonly ErrorDefinition PartitionRead = new(
        nameof(PartitionRead),
        ReadError,
        "Run again: the backup continues at the last good offset."
    );
    public static readonly ErrorDefinition PartitionStalled = new(
        nameof(PartitionStalled),
        OperationTimeout,
        "Check the partition's leader, then run again: the backup continues where it stopped."
    );
    public static readonly ErrorDefinition TopicRecreated = new(
        nameof(TopicRecreated),
        InvalidData,
        "Back this topic up under a new backup id."
    );
    public static readonly ErrorDefinition LogTruncated = new(
        nameof(LogTruncated),
        InvalidData,
        "Records that were backed up are no longer in the topic: back it up under a new backup id and keep this one."
    );

    // Store
    public static readonly ErrorDefinition StoreNotFound = new(nameof(StoreNotFound), ObjectNotFound, "Check the path.");
    public static readonly ErrorDefinition StoreLost = new(
        nameof(StoreLost),
        ResourceUnavailable,
        "Mount the drive or share again, or put the folder back, then run again: the backup continues."
    );
    public static readonly ErrorDefinition StoreAccessDenied = new(
        nameof(StoreAccessDenied),
        PermissionDenied,
        "Grant this account read and write access to the store."
    );
    public static readonly ErrorDefinition StoreAuthentication = new(
        nameof(StoreAuthentication),
        AuthenticationError,
        "Check the access key, the secret key and the machine's clock."
    );
    public static readonly ErrorDefinition StoreFull = new(
        nameof(StoreFull),
        ResourceUnavailable,
        "Free some space, then run again: what is stored is intact and the backup continues."
    );
    public static readonly ErrorDefinition StoreUnavailable = new(
        nameof(StoreUnavailable),
        ConnectionError,
        "Check the store's address and the network, then run again."
    );
    public static readonly ErrorDefinition StoreRead = new(nameof(StoreRead), ReadError, "Check the disk or the network, then run again.");
    public static readonly ErrorDefinition StoreWrite = new(
        nameof(StoreWrite),
        WriteError,
        "Check the disk or the network, then run again."
    );
    public static readonly ErrorDefinition StoreConfiguration = new(
        nameof(StoreConfiguration),
        InvalidArgument,
        "Correct the store option named."
    );
    public static readonly ErrorDefinition StoreObjectMissing = new(
        nameof(StoreObjectMissing),
        ObjectNotFound,
        "Run Test-KafkaBackup -Deep to see what is missing."
    );

    // Backup
    public static readonly ErrorDefinition BackupNotFound = new(
        nameof(BackupNotFound),
        ObjectNotFound,
        "List the backups with Get-KafkaBackup -Path."
    );
    public static readonly ErrorDefinition BackupExists = new(nameof(BackupExists), ResourceExists, "Use another backup id.");
    public static readonly ErrorDefinition BackupLocked = new(
        nameof(BackupLocked),
        ResourceBusy,
        "Wait for the other run to end; if it is dead, the lock is taken over once it is stale, or use Repair-KafkaBackup."
    );
    public static readonly ErrorDefinition BackupLockLost = new(
        nameof(BackupLockLost),
        ResourceBusy,
        "Another run took over this backup id: make sure that only one runs at a time."
    );
    public static readonly ErrorDefinition ManifestDamaged = new(
        nameof(ManifestDamaged),
        InvalidData,
        "Run Repair-KafkaBackup to rebuild the manifest from the segments."
    );
    public static readonly ErrorDefinition FormatTooNew = new(nameof(FormatTooNew), InvalidData, "Install a newer version of KafkaBackup.");
    public static readonly ErrorDefinition ForeignFolder = new(
        nameof(ForeignFolder),
        InvalidData,
        "Choose a folder that holds KafkaBackup's backups, or an empty one."
    );
    public static readonly ErrorDefinition SourceClusterChanged = new(
        nameof(SourceClusterChanged),
        InvalidOperation,
        "Use a new backup id for another cluster."
    );
    public static readonly ErrorDefinition SegmentCorrupt = new(
        nameof(SegmentCorrupt),
        InvalidData,
        "Run Test-KafkaBackup -Deep for the extent of the damage; the rest of the backup can be restored."
    );
    public static readonly ErrorDefinition SegmentMissing = new(
        nameof(SegmentMissing),
        ObjectNotFound,
        "Run Test-KafkaBackup for the extent of the damage; the rest of the backup can be restored."
    );
    public static readonly ErrorDefinition ConsistentCutImpossible = new(
        nameof(ConsistentCutImpossible),
        InvalidArgument,
        "Give a time in the past, after what is stored already, and not together with continuous mode."
    );
    public static readonly ErrorDefinition BackupReadOnly = new(
        nameof(BackupReadOnly),
        InvalidOperation,
        "Backups of the other tool can be read and restored, not continued."
    );
    public static readonly ErrorDefinition ConfirmationNeeded = new(
        nameof(ConfirmationNeeded),
        InvalidOperation,
        "Say -Confirm:$false or -Force in scripts and scheduled tasks."
    );
    public static readonly ErrorDefinition LastCompleteBackup = new(
        nameof(LastCompleteBackup),
        InvalidOperation,
        "Keep it, or use -Force."
    );

    // Restore
    public static readonly ErrorDefinition RestoreInvalid = new(
        nameof(RestoreInvalid),
        InvalidOperation,
        "Run Test-KafkaRestore with the same parameters and look at its findings."
    );
    public static readonly ErrorDefinition RecordsLeftOut = new(
        nameof(RecordsLeftOut),
        InvalidData,
        "The findings name the files. With a sound copy of them in place, restore again to an empty topic."
    );
    public static readonly ErrorDefinition InternalTopicWrite = new(
        nameof(InternalTopicWrite),
        InvalidOperation,
        "Restore consumer-group offsets with -OffsetStrategy and -ResetConsumerGroup instead; map other internal topics to a new name."
    );
    public static readonly ErrorDefinition CheckpointMismatch = new(
        nameof(CheckpointMismatch),
        InvalidOperation,
        "Run with the settings that the restore began with, or delete the checkpoint to start over on empty targets."
    );
    public static readonly ErrorDefinition CheckpointDamaged = new(
        nameof(CheckpointDamaged),
        InvalidData,
        "Put the checkpoint back from a copy, or delete it and start over on empty targets."
    );
    public static readonly ErrorDefinition CheckpointWrite = new(
        nameof(CheckpointWrite),
        WriteError,
        "Free space, or move the checkpoint to where there is some and name it with -CheckpointPath, then run again: the restore resumes from the target's log end."
    );
    public static readonly ErrorDefinition CheckpointInUse = new(
        nameof(CheckpointInUse),
        ResourceBusy,
        "Let the other restore end, or stop it; it may be suspended. Then run again: this one goes on where that one stopped."
    );
    public static readonly ErrorDefinition TargetChanged = new(
        nameof(TargetChanged),
        InvalidData,
        "Stop what else writes to this target partition. To begin again, delete the checkpoint, if there is one, and run with -Purge -Force; in transactional mode delete the consumer group kafkabackup-restore-<backup id> too."
    );
    public static readonly ErrorDefinition TargetRefused = new(
        nameof(TargetRefused),
        WriteError,
        "Change the target's limit named in the message, then run again: the restore resumes at this record."
    );
    public static readonly ErrorDefinition TargetUnavailable = new(
        nameof(TargetUnavailable),
        ConnectionError,
        "Bring the target back, then run again: the restore resumes."
    );
    public static readonly ErrorDefinition TopicCreation = new(
        nameof(TopicCreation),
        WriteError,
        "Create the topic by hand, then run again."
    );
    public static readonly ErrorDefinition PurgeNeedsForce = new(
        nameof(PurgeNeedsForce),
        InvalidOperation,
        "Add -Force if the target topics may really be emptied."
    );
    public static readonly ErrorDefinition ProducerFenced = new(
        nameof(ProducerFenced),
        InvalidOperation,
        "Another restore of this backup into this target is running: let one of them end."
    );

    // Offsets
    public static readonly ErrorDefinition GroupActive = new(
        nameof(GroupActive),
        ResourceBusy,
        "Stop the group's consumers, then run again."
    );
    public static readonly ErrorDefinition GroupNotInBackup = new(
        nameof(GroupNotInBackup),
        ObjectNotFound,
        "Name a group that the backup holds; Get-KafkaBackup shows them."
    );
    public static readonly ErrorDefinition GroupOffsets = new(
        nameof(GroupOffsets),
        WriteError,
        "Put the offsets back with Restore-KafkaConsumerOffset, then try again."
    );
    public static readonly ErrorDefinition OffsetFileInvalid = new(
        nameof(OffsetFileInvalid),
        InvalidData,
        "Give a file that Restore-KafkaBackup wrote."
    );

    // Compare
    public static readonly ErrorDefinition ComparisonImpossible = new(
        nameof(ComparisonImpossible),
        InvalidOperation,
        "Choose sides and an alignment that can be compared."
    );

    // Operations
    public static readonly ErrorDefinition HealthEndpoint = new(
        nameof(HealthEndpoint),
        ResourceUnavailable,
        "Choose another port or address under health:."
    );
    public static readonly ErrorDefinition Stopped = new(nameof(Stopped), OperationStopped, "Run again to continue.");
    public static readonly ErrorDefinition Unexpected = new(
        nameof(Unexpected),
        InvalidOperation,
        "Run again with -Verbose and report what it shows."
    );
}

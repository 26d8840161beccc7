using System.Text;

namespace KafkaBackup.Engine.Wire;

/// <summary>
/// Kafka's error codes, under Kafka's names. A broker may send codes that are newer than this list; they keep their number.
/// </summary>
internal enum WireErrorCode : short
{
    UnknownServerError = -1,
    None = 0,
    OffsetOutOfRange = 1,
    CorruptMessage = 2,
    UnknownTopicOrPartition = 3,
    InvalidFetchSize = 4,
    LeaderNotAvailable = 5,
    NotLeaderOrFollower = 6,
    RequestTimedOut = 7,
    BrokerNotAvailable = 8,
    ReplicaNotAvailable = 9,
    MessageTooLarge = 10,
    StaleControllerEpoch = 11,
    OffsetMetadataTooLarge = 12,
    NetworkException = 13,
    CoordinatorLoadInProgress = 14,
    CoordinatorNotAvailable = 15,
    NotCoordinator = 16,
    InvalidTopicException = 17,
    RecordListTooLarge = 18,
    NotEnoughReplicas = 19,
    NotEnoughReplicasAfterAppend = 20,
    InvalidRequiredAcks = 21,
    IllegalGeneration = 22,
    InconsistentGroupProtocol = 23,
    InvalidGroupId = 24,
    UnknownMemberId = 25,
    InvalidSessionTimeout = 26,
    RebalanceInProgress = 27,
    InvalidCommitOffsetSize = 28,
    TopicAuthorizationFailed = 29,
    GroupAuthorizationFailed = 30,
    ClusterAuthorizationFailed = 31,
    InvalidTimestamp = 32,
    UnsupportedSaslMechanism = 33,
    IllegalSaslState = 34,
    UnsupportedVersion = 35,
    TopicAlreadyExists = 36,
    InvalidPartitions = 37,
    InvalidReplicationFactor = 38,
    InvalidReplicaAssignment = 39,
    InvalidConfig = 40,
    NotController = 41,
    InvalidRequest = 42,
    UnsupportedForMessageFormat = 43,
    PolicyViolation = 44,
    OutOfOrderSequenceNumber = 45,
    DuplicateSequenceNumber = 46,
    InvalidProducerEpoch = 47,
    InvalidTxnState = 48,
    InvalidProducerIdMapping = 49,
    InvalidTransactionTimeout = 50,
    ConcurrentTransactions = 51,
    TransactionCoordinatorFenced = 52,
    TransactionalIdAuthorizationFailed = 53,
    SecurityDisabled = 54,
    OperationNotAttempted = 55,
    KafkaStorageError = 56,
    LogDirNotFound = 57,
    SaslAuthenticationFailed = 58,
    UnknownProducerId = 59,
    ReassignmentInProgress = 60,
    DelegationTokenAuthDisabled = 61,
    DelegationTokenNotFound = 62,
    DelegationTokenOwnerMismatch = 63,
    DelegationTokenRequestNotAllowed = 64,
    DelegationTokenAuthorizationFailed = 65,
    DelegationTokenExpired = 66,
    InvalidPrincipalType = 67,
    NonEmptyGroup = 68,
    GroupIdNotFound = 69,
    FetchSessionIdNotFound = 70,
    InvalidFetchSessionEpoch = 71,
    ListenerNotFound = 72,
    TopicDeletionDisabled = 73,
    FencedLeaderEpoch = 74,
    UnknownLeaderEpoch = 75,
    UnsupportedCompressionType = 76,
    StaleBrokerEpoch = 77,
    OffsetNotAvailable = 78,
    MemberIdRequired = 79,
    PreferredLeaderNotAvailable = 80,
    GroupMaxSizeReached = 81,
    FencedInstanceId = 82,
    EligibleLeadersNotAvailable = 83,
    ElectionNotNeeded = 84,
    NoReassignmentInProgress = 85,
    GroupSubscribedToTopic = 86,
    InvalidRecord = 87,
    UnstableOffsetCommit = 88,
    ThrottlingQuotaExceeded = 89,
    ProducerFenced = 90,
    ResourceNotFound = 91,
    DuplicateResource = 92,
    UnacceptableCredential = 93,
    InconsistentVoterSet = 94,
    InvalidUpdateVersion = 95,
    FeatureUpdateFailed = 96,
    PrincipalDeserializationFailure = 97,
    SnapshotNotFound = 98,
    PositionOutOfRange = 99,
    UnknownTopicId = 100,
    DuplicateBrokerRegistration = 101,
    BrokerIdNotRegistered = 102,
    InconsistentTopicId = 103,
    InconsistentClusterId = 104,
    TransactionalIdNotFound = 105,
    FetchSessionTopicIdError = 106,
    IneligibleReplica = 107,
    NewLeaderElected = 108,
    OffsetMovedToTieredStorage = 109,
    FencedMemberEpoch = 110,
    UnreleasedInstanceId = 111,
    UnsupportedAssignor = 112,
    StaleMemberEpoch = 113,
    MismatchedEndpointType = 114,
    UnsupportedEndpointType = 115,
    UnknownControllerId = 116,
    UnknownSubscriptionId = 117,
    TelemetryTooLarge = 118,
    InvalidRegistration = 119,
    TransactionAbortable = 120,
    InvalidRecordState = 121,
    ShareSessionNotFound = 122,
    InvalidShareSessionEpoch = 123,
    FencedStateEpoch = 124,
    InvalidVoterKey = 125,
    DuplicateVoter = 126,
    VoterNotFound = 127,
    InvalidRegularExpression = 128,
}

internal static class WireErrorCodes
{
    /// <summary>Whether Kafka's own clients try again after this error.</summary>
    public static bool IsRetriable(this WireErrorCode code) =>
        code
            is WireErrorCode.CorruptMessage
                or WireErrorCode.UnknownTopicOrPartition
                or WireErrorCode.LeaderNotAvailable
                or WireErrorCode.NotLeaderOrFollower
                or WireErrorCode.RequestTimedOut
                or WireErrorCode.ReplicaNotAvailable
                or WireErrorCode.NetworkException
                or WireErrorCode.CoordinatorLoadInProgress
                or WireErrorCode.CoordinatorNotAvailable
                or WireErrorCode.NotCoordinator
                or WireErrorCode.NotEnoughReplicas
                or WireErrorCode.NotEnoughReplicasAfterAppend
                or WireErrorCode.NotController
                or WireErrorCode.ConcurrentTransactions
                or WireErrorCode.KafkaStorageError
                or WireErrorCode.FetchSessionIdNotFound
                or WireErrorCode.InvalidFetchSessionEpoch
                or WireErrorCode.ListenerNotFound
                or WireErrorCode.FencedLeaderEpoch
                or WireErrorCode.UnknownLeaderEpoch
                or WireErrorCode.OffsetNotAvailable
                or WireErrorCode.PreferredLeaderNotAvailable
                or WireErrorCode.EligibleLeadersNotAvailable
                or WireErrorCode.ElectionNotNeeded
                or WireErrorCode.UnstableOffsetCommit
                or WireErrorCode.ThrottlingQuotaExceeded
                or WireErrorCode.UnknownTopicId
                or WireErrorCode.InconsistentTopicId
                or WireErrorCode.FetchSessionTopicIdError
                or WireErrorCode.ShareSessionNotFound
                or WireErrorCode.InvalidShareSessionEpoch;

    /// <summary>Whether the metadata that led to this broker is out of date: ask for it again before the next try.</summary>
    public static bool NeedsMetadata(this WireErrorCode code) =>
        code
            is WireErrorCode.NotLeaderOrFollower
                or WireErrorCode.FencedLeaderEpoch
                or WireErrorCode.UnknownLeaderEpoch
                or WireErrorCode.LeaderNotAvailable
                or WireErrorCode.ReplicaNotAvailable
                or WireErrorCode.UnknownTopicOrPartition
                or WireErrorCode.UnknownTopicId
                or WireErrorCode.InconsistentTopicId
                or WireErrorCode.KafkaStorageError
                or WireErrorCode.ListenerNotFound
                or WireErrorCode.NetworkException;

    /// <summary>Whether another broker coordinates this group or transactional id now.</summary>
    public static bool NeedsCoordinator(this WireErrorCode code) =>
        code is WireErrorCode.NotCoordinator or WireErrorCode.CoordinatorNotAvailable;

    /// <summary>
    /// The name as Kafka's documentation spells it: NOT_LEADER_OR_FOLLOWER; the number for a code that is not in the list.
    /// </summary>
    public static string KafkaName(this WireErrorCode code)
    {
        if (!Enum.IsDefined(code))
        {
            return $"error {(short)code}";
        }

        var name = code.ToString();
        var text = new StringBuilder(name.Length + 8);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToUpperInvariant(letter));
        }

        return text.ToString();
    }
}

namespace KafkaBackup;

/// <summary>The category of an error; each name is one of PowerShell's error categories.</summary>
public enum ErrorKind
{
    InvalidArgument,
    InvalidData,
    InvalidOperation,
    ObjectNotFound,
    PermissionDenied,
    AuthenticationError,
    ConnectionError,
    OperationTimeout,
    OperationStopped,
    ResourceBusy,
    ResourceExists,
    ResourceUnavailable,
    ReadError,
    WriteError,
    LimitsExceeded,
    NotInstalled,
    SecurityError,
    ProtocolError,
}
